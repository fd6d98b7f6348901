// SPDX-License-Identifier: Apache-2.0
import { epoch, peerEndpoint } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { epochOf, type LeaderState, LeadershipCell, sameLeaderState, type Tenure } from "../src/index.ts";
import { follower, leader, Probe, settle, unknown } from "./leadership-probe.ts";

describe("LeadershipCell", () => {
  it("starts each reader with the current state, however late it begins", async () => {
    const cell = new LeadershipCell();
    const early = new Probe(cell);
    cell.set(leader(3n));
    const late = new Probe(cell);
    early.ask();
    late.ask();
    await settle();
    expect([early.got, late.got]).toEqual([["L3"], ["L3"]]);
  });

  it("shows every change to every reader that keeps up", async () => {
    const cell = new LeadershipCell();
    const probes = [new Probe(cell), new Probe(cell)];
    for (const next of [undefined, leader(1n), follower, unknown, leader(2n)]) {
      if (next !== undefined) cell.set(next);
      for (const probe of probes) probe.ask();
      await settle();
    }
    for (const probe of probes) expect(probe.got).toEqual(["U", "L1", "F", "U", "L2"]);
  });

  it("gives a slow reader the newest state, and never two reigns as one", async () => {
    const cell = new LeadershipCell(leader(1n));
    const probe = new Probe(cell);
    probe.ask();
    await settle();
    for (const next of [unknown, leader(2n), follower, leader(3n)]) cell.set(next);
    probe.ask();
    probe.ask();
    await settle();
    expect(probe.got).toEqual(["L1", "F", "L3"]);
  });

  it("puts an unknown between two reigns that a driver reports back to back", async () => {
    const cell = new LeadershipCell(leader(1n));
    const probe = new Probe(cell);
    probe.ask();
    cell.set(leader(2n));
    probe.ask();
    probe.ask();
    await settle();
    expect(probe.got).toEqual(["L1", "U", "L2"]);
  });

  it("drops an item that says the same, but not a new tenure of the same epoch", async () => {
    const tenure = (): Tenure => ({ valid: () => true });
    const first: LeaderState = { role: "leader", epoch: epoch(1n), tenure: tenure() };
    const cell = new LeadershipCell(first);
    const probe = new Probe(cell);
    probe.ask();
    probe.ask();
    cell.set({ ...first });
    await settle();
    expect(probe.got).toEqual(["L1"]);
    cell.set({ ...first, tenure: tenure() });
    await settle();
    expect(probe.got).toEqual(["L1", "L1"]);
  });

  it("wakes a waiting reader on abort and ends without an error", async () => {
    const probe = new Probe(new LeadershipCell());
    probe.ask();
    probe.ask();
    await settle();
    expect(probe.waiting).toBe(1);
    probe.abort.abort(new Error("enough"));
    await settle();
    expect(probe).toMatchObject({ ended: true, error: undefined, waiting: 0, got: ["U"] });
  });

  it("gives nothing to a reader whose signal was aborted before it began", async () => {
    const probe = new Probe(new LeadershipCell());
    probe.abort.abort();
    probe.ask();
    await settle();
    expect(probe).toMatchObject({ ended: true, got: [] });
  });

  it("ends on return() at once, also while a next() waits", async () => {
    const cell = new LeadershipCell();
    const probe = new Probe(cell);
    probe.ask();
    probe.ask();
    await settle();
    expect(await probe.reader.return()).toEqual({ done: true, value: undefined });
    await settle();
    cell.set(follower);
    probe.ask();
    await settle();
    expect(probe).toMatchObject({ ended: true, waiting: 0, got: ["U"] });
  });

  it("lets go of a reader that breaks out of its loop or throws in it, and leaves no listener behind", async () => {
    const cell = new LeadershipCell();
    const signal = new CountingSignal();
    for await (const _item of cell.read({ signal })) break;
    await expect(
      (async (): Promise<void> => {
        for await (const _item of cell.read({ signal })) throw new Error("reader");
      })(),
    ).rejects.toThrow("reader");
    const thrower = cell.read({ signal });
    await thrower.next();
    await expect(thrower.throw(new Error("told to"))).rejects.toThrow("told to");
    expect(signal.listeners).toBe(0);
  });

  it("delivers what was not read and then ends when it is closed, for waiting readers at once", async () => {
    const cell = new LeadershipCell();
    const waiting = new Probe(cell);
    const slow = new Probe(cell);
    waiting.ask();
    slow.ask();
    waiting.ask();
    await settle();
    cell.set(follower);
    waiting.ask();
    await settle();
    cell.close();
    cell.set(leader(1n));
    slow.ask();
    slow.ask();
    await settle();
    expect([waiting.got, waiting.ended]).toEqual([["U", "F"], true]);
    expect([slow.got, slow.ended]).toEqual([["U", "F"], true]);
  });

  it("shows nobody a state that nobody keeps any more: a reader after the end sees only the end", async () => {
    const cell = new LeadershipCell(leader(1n));
    cell.close();
    const probe = new Probe(cell);
    probe.ask();
    await settle();
    expect(probe).toMatchObject({ ended: true, got: [], error: undefined });
  });

  it("throws the error of its first end in every reader", async () => {
    const cell = new LeadershipCell();
    const before = new Probe(cell);
    before.ask();
    before.ask();
    await settle();
    const cause = new Error("lost the store");
    cell.close(cause);
    cell.close(new Error("second"));
    const after = new Probe(cell);
    after.ask();
    after.ask();
    await settle();
    expect([before.error, after.error]).toEqual([cause, cause]);
    expect(after.waiting).toBe(0);
  });

  it("closes itself when an epoch goes back, so that no reader believes the item before it", async () => {
    const cell = new LeadershipCell(leader(5n));
    const probe = new Probe(cell);
    probe.ask();
    probe.ask();
    await settle();
    expect(() => cell.set(leader(4n))).toThrow("[leader_epoch_regressed]");
    await settle();
    expect(probe.got).toEqual(["L5"]);
    expect(String(probe.error)).toContain("leader_epoch_regressed");
  });
});

/** An abort signal that counts who listens. */
class CountingSignal extends EventTarget implements AbortSignal {
  readonly #real = new AbortController().signal;
  listeners = 0;
  onabort: AbortSignal["onabort"] = null;
  readonly aborted = false;
  readonly reason: unknown = undefined;

  throwIfAborted(): void {
    this.#real.throwIfAborted();
  }

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.listeners += 1;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }
}

describe("leader states", () => {
  it("name an epoch where there is one", () => {
    expect([leader(3n), { role: "follower", leaderEpoch: epoch(4n) } as const, follower, unknown].map(epochOf)).toEqual(
      [3n, 4n, undefined, undefined],
    );
  });

  it("are compared by all they say", () => {
    expect(sameLeaderState(leader(1n), leader(1n))).toBe(true);
    expect(sameLeaderState(leader(1n), leader(2n))).toBe(false);
    expect(sameLeaderState(unknown, unknown)).toBe(true);
    expect(sameLeaderState(unknown, follower)).toBe(false);
    expect(sameLeaderState(follower, { role: "follower", leaderEndpoint: peerEndpoint("c:1") })).toBe(false);
    expect(sameLeaderState(follower, { ...follower, leaderEpoch: epoch(1n) } as LeaderState)).toBe(false);
  });
});
