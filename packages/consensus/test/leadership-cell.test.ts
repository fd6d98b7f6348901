// SPDX-License-Identifier: Apache-2.0
import { epoch, peerEndpoint } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { epochOf, type LeaderState, LeadershipCell, sameLeaderState, type Tenure } from "../src/index.ts";
import { MergesReigns, MissesWakeUps } from "./mutants/cell-mutants.ts";

const unknown: LeaderState = { role: "unknown" };
const follower: LeaderState = { role: "follower", leaderEndpoint: peerEndpoint("b:1") };
const leader = (value: bigint): LeaderState => ({ role: "leader", epoch: epoch(value) });

/** Lets every promise that can settle do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** A short name of an item: L1, F, U. */
function brief(item: LeaderState): string {
  return item.role === "leader" ? `L${item.epoch}` : item.role === "follower" ? "F" : "U";
}

/** A reader that asks when told to, and notes what it gets. */
class Probe {
  readonly abort = new AbortController();
  readonly got: string[] = [];
  waiting = 0;
  ended = false;
  error: unknown;
  readonly reader: AsyncGenerator<LeaderState, void, undefined>;

  constructor(cell: LeadershipCell) {
    this.reader = cell.read({ signal: this.abort.signal });
  }

  ask(): void {
    this.waiting += 1;
    this.reader.next().then(
      (result) => {
        this.waiting -= 1;
        if (result.done) this.ended = true;
        else this.got.push(brief(result.value));
      },
      (error: unknown) => {
        this.waiting -= 1;
        this.ended = true;
        this.error = error;
      },
    );
  }
}

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

type Step = "L" | "F" | "U" | "ask0" | "ask1" | "abort0" | "return1" | "close" | "settle";
const steps: readonly Step[] = ["L", "F", "U", "ask0", "ask1", "abort0", "return1", "close", "settle"];

/** Plays the steps, then lets every reader drain, and says what is wrong with what they saw. */
async function judge(path: readonly Step[], cell: LeadershipCell): Promise<string | undefined> {
  const probes = [new Probe(cell), new Probe(cell)] as const;
  const history: string[] = ["U"];
  let reign = 0n;
  let closed = false;
  let began = [-1, -1];
  const asked = (index: 0 | 1): void => {
    if (began[index] === -1) began = began.map((at, other) => (other === index ? history.length - 1 : at));
    probes[index].ask();
  };
  for (const step of path) {
    if (step === "ask0") asked(0);
    if (step === "ask1") asked(1);
    if (step === "abort0") probes[0].abort.abort();
    if (step === "return1") void probes[1].reader.return();
    if (step === "settle") await settle();
    if (step === "close") {
      cell.close();
      closed = true;
    }
    if (step === "L" || step === "F" || step === "U") {
      if (step === "L") reign += 1n;
      const item = step === "L" ? leader(reign) : step === "F" ? follower : unknown;
      cell.set(item);
      if (!closed && history.at(-1) !== brief(item)) history.push(brief(item));
    }
  }
  const cut = [path.includes("abort0"), path.includes("return1")];
  for (const [index, probe] of probes.entries()) {
    for (let more = 0; more < 4; more += 1) if (!probe.ended && probe.waiting === 0) asked(index as 0 | 1);
    for (let more = 0; more < 4; more += 1) {
      await settle();
      if (!probe.ended && probe.waiting === 0) asked(index as 0 | 1);
    }
    await settle();
    const over = closed || cut[index] === true;
    if (over !== probe.ended) return `reader ${index} ${over ? "did not end" : "ended"}`;
    if (over && probe.waiting > 0) return `reader ${index} waits for ever`;
    if (!over && probe.got.at(-1) !== history.at(-1)) return `reader ${index} missed the newest state: ${probe.got}`;
    if (!over && probe.got[0] !== history[began[index] ?? 0]) return `reader ${index} did not begin with the current`;
    for (const [at, name] of probe.got.entries()) {
      const before = probe.got[at - 1];
      if (name.startsWith("L") && before?.startsWith("L")) return `reader ${index} saw two reigns as one: ${probe.got}`;
    }
    const reigns = probe.got.filter((name) => name.startsWith("L")).map((name) => Number(name.slice(1)));
    if (reigns.some((value, at) => at > 0 && value <= (reigns[at - 1] ?? 0))) return "reigns went back";
  }
  return undefined;
}

describe("LeadershipCell under every order of steps", () => {
  it("loses no wake-up, begins with the current state, separates reigns and ends everybody", {
    timeout: 120_000,
  }, async () => {
    const wrong: string[] = [];
    let paths = 0;
    const visit = async (path: readonly Step[]): Promise<void> => {
      paths += 1;
      const fault = await judge(path, new LeadershipCell());
      if (fault !== undefined) wrong.push(`${path.join(" ")}: ${fault}`);
      if (path.length < 4) for (const step of steps) await visit([...path, step]);
    };
    await visit([]);
    expect(paths).toBe(1 + 9 + 9 ** 2 + 9 ** 3 + 9 ** 4);
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

describe("the judge of a leadership cell", () => {
  it("catches a cell that merges two reigns", async () => {
    const path: readonly Step[] = ["L", "ask0", "settle", "U", "L"];
    expect(await judge(path, new LeadershipCell())).toBeUndefined();
    expect(await judge(path, new MergesReigns())).toContain("saw two reigns as one");
  });

  it("catches a cell whose readers miss a change that comes while they are busy", async () => {
    const path: readonly Step[] = ["ask0", "settle", "L"];
    expect(await judge(path, new LeadershipCell())).toBeUndefined();
    expect(await judge(path, new MissesWakeUps())).toContain("missed the newest state");
  });
});

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
