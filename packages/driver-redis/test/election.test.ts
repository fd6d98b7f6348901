// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { NO_BALLOT } from "../src/ballot.ts";
import { Election } from "../src/election.ts";
import type { NodeFailure, PrepareAnswer, StatusAnswer } from "../src/node-outcome.ts";

const mine = `${"0".repeat(15)}2${"0".repeat(15)}1`;
const newer = `${"0".repeat(15)}2${"0".repeat(15)}2`;
const members = ["a", "b", "c"];
const down: NodeFailure = { kind: "failed", why: "unavailable", mayHaveRun: true, message: "is gone" };

function promise(highWater: number, promised = NO_BALLOT): PrepareAnswer {
  return { kind: "ok", promised, highWater, beat: "1", released: NO_BALLOT, holder: "", duplicate: false };
}

function shows(promised: string, highWater = 0): StatusAnswer {
  return { kind: "ok", promised, highWater, beat: "2", leasedForMs: 0, endpoint: "", holder: "", released: NO_BALLOT };
}

describe("an election", () => {
  it("asks again, and only those that had promised by then", () => {
    const election = new Election(mine, members);
    election.onPrepare("b", promise(5), 1n);
    expect(election.state.phase).toBe("preparing");
    election.onPrepare("a", promise(3), 2n);
    expect(election.state).toEqual({ phase: "verifying", members: ["b", "a"] });
  });

  it("is won by a majority that still shows the promise, with the largest high-water of both rounds", () => {
    const election = new Election(mine, members);
    election.onPrepare("a", promise(5), 1n);
    election.onPrepare("b", promise(3), 2n);
    election.onStatus("a", shows(mine, 5));
    expect(election.state.phase).toBe("verifying");
    election.onStatus("b", shows(mine, 9));
    expect(election.state).toMatchObject({ phase: "elected", mandate: { epoch: mine, highWater: 9 } });
  });

  it("does not count a node that promised after the second round began", () => {
    const election = new Election(mine, members);
    election.onPrepare("a", promise(0), 1n);
    election.onPrepare("b", promise(0), 2n);
    election.onPrepare("c", promise(0), 3n);
    election.onStatus("c", shows(mine));
    election.onStatus("a", shows(mine));
    expect(election.state.phase).toBe("verifying");
    election.onStatus("b", shows(newer));
    expect(election.state).toMatchObject({ phase: "lost", largest: newer });
  });

  it("is lost when a majority refuses, and knows what to mint above", () => {
    const election = new Election(mine, members);
    election.onPrepare("a", { kind: "leased", promised: NO_BALLOT }, 1n);
    election.onPrepare("b", { kind: "stale", promised: newer }, 2n);
    expect(election.state).toMatchObject({ phase: "lost", largest: newer });
    election.onPrepare("c", promise(0), 3n);
    expect(election.state.phase).toBe("lost");
  });

  it("is lost when nodes are gone or time is up, in either round", () => {
    const first = new Election(mine, members);
    first.onPrepare("a", promise(0), 1n);
    first.onTimeout();
    expect(first.state.phase).toBe("lost");
    const second = new Election(mine, members);
    second.onPrepare("a", promise(0), 1n);
    second.onPrepare("b", promise(0), 2n);
    second.onStatus("a", down);
    expect(second.state.phase).toBe("lost");
  });
});
