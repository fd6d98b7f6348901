// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type Tenure } from "@tsoracle/consensus";
import { MemoryStore } from "@tsoracle/consensus/memory";
import { epoch } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { BoundMember } from "../../src/driver/bound-member.ts";
import { confirmed } from "../../src/driver/confirm-round.ts";
import { Member } from "../../src/driver/member.ts";
import { QuorumPolicy } from "../../src/index.ts";
import { VirtualTimers } from "../virtual-timers.ts";

const ACK_TIMEOUT_MS = 100;

/** A member that this node leads in epoch 1, whose tenure a test answers for. */
class Voter {
  readonly bound: BoundMember;
  asked = 0;
  isValid = true;
  #answer: { resolve(isNewest: boolean): void; reject(error: unknown): void } | undefined;

  constructor(id: string, confirms = true, remembers = true) {
    const driver = new MemoryStore().open(0);
    const { sequences } = driver;
    if (sequences === undefined) throw new TypeError("the memory driver has sequences");
    const confirm = (): Promise<boolean> => {
      this.asked += 1;
      return new Promise((resolve, reject) => {
        this.#answer = { resolve, reject };
      });
    };
    const tenure: Tenure = { valid: () => this.isValid, ...(confirms ? { confirm } : {}) };
    const led = { epoch: epoch(1n), tenure };
    const member = new Member(id, driver, sequences);
    Object.defineProperty(member, "led", { value: led });
    this.bound = new BoundMember(member, led, 1n, remembers ? 0n : 1n);
  }

  answer(isNewest: boolean): void {
    this.#answer?.resolve(isNewest);
  }

  fail(): void {
    this.#answer?.reject(new ConsensusError("transient", "no answer"));
  }
}

interface Round {
  readonly voters: readonly [Voter, Voter, Voter];
  readonly timers: VirtualTimers;
  /** How it ended; undefined while it runs. */
  outcome(): Promise<boolean | string | undefined>;
}

function start(signal?: AbortSignal, lastConfirms = true): Round {
  const voters = [new Voter("a"), new Voter("b"), new Voter("c", lastConfirms)] as const;
  const timers = new VirtualTimers();
  const policy = new QuorumPolicy({ n: 3, w: 2, ackTimeoutMs: ACK_TIMEOUT_MS });
  let ended: boolean | string | undefined;
  confirmed(
    voters.map(({ bound }) => bound),
    policy,
    timers,
    { signal },
  ).then(
    (isNewest) => {
      ended = isNewest;
    },
    (error: unknown) => {
      ended = error instanceof ConsensusError ? error.code : String(error);
    },
  );
  const outcome = async (): Promise<boolean | string | undefined> => {
    await timers.pass(0);
    return ended;
  };
  return { voters, timers, outcome };
}

describe("a confirmation of the whole", () => {
  it("asks every member anew, and is true with the W-th yes and not before", async () => {
    const { voters, timers, outcome } = start();
    expect(voters.map(({ asked }) => asked)).toEqual([1, 1, 1]);
    voters[0].answer(true);
    expect(await outcome()).toBeUndefined();
    voters[2].answer(true);
    expect(await outcome()).toBe(true);
    expect(timers.pending).toBe(0);
  });

  it("is false as soon as so many deny it that W cannot be had", async () => {
    const { voters, outcome } = start();
    voters[0].answer(false);
    expect(await outcome()).toBeUndefined();
    voters[1].answer(false);
    expect(await outcome()).toBe(false);
  });

  it("takes no answer for a yes, nor for a no", async () => {
    const { voters, outcome } = start();
    voters[0].answer(true);
    voters[1].fail();
    voters[2].fail();
    expect(await outcome()).toBe("transient");
    const mixed = start();
    mixed.voters[0].answer(true);
    mixed.voters[1].answer(false);
    mixed.voters[2].fail();
    expect(await mixed.outcome()).toBe("transient");
  });

  it("is in doubt when its time is over, and a late yes changes nothing", async () => {
    const { voters, timers, outcome } = start();
    voters[0].answer(true);
    await timers.pass(ACK_TIMEOUT_MS - 1);
    expect(await outcome()).toBeUndefined();
    await timers.pass(1);
    expect(await outcome()).toBe("transient");
    voters[1].answer(true);
    expect(await outcome()).toBe("transient");
  });

  it("counts no yes of a member whose tenure ended while it was asked", async () => {
    const { voters, outcome } = start();
    voters[0].answer(true);
    voters[1].isValid = false;
    voters[1].answer(true);
    expect(await outcome()).toBeUndefined();
    voters[2].answer(false);
    expect(await outcome()).toBe(false);
  });

  it("takes the tenure of a member that has nothing to ask for its word", async () => {
    const { voters, outcome } = start(undefined, false);
    expect(voters[2].asked).toBe(0);
    voters[0].answer(true);
    expect(await outcome()).toBe(true);
  });

  it("ends with the reason of the caller's signal", async () => {
    const stop = new AbortController();
    const { outcome } = start(stop.signal);
    stop.abort(new Error("enough"));
    expect(await outcome()).toBe("Error: enough");
  });
});
