// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  DeadLetters,
  type QuorumMetrics,
  QuorumPolicy,
  type QuorumRecord,
  type QuorumResult,
  type QuorumWarning,
  QuorumWriter,
  type QuorumWriterOptions,
} from "../src/index.ts";
import { ack, drift, fail, ScriptedPeer } from "./scripted-peer.ts";
import { settled, VirtualTimers } from "./virtual-timers.ts";

/** A writer over scripted peers, with everything that it tells. */
class World {
  readonly timers: VirtualTimers;
  readonly local: QuorumRecord<string>[] = [];
  readonly warnings: QuorumWarning[] = [];
  readonly counts = new Map<string, number>();
  readonly writer: QuorumWriter<string>;

  constructor(
    w: number,
    peers: readonly ScriptedPeer[],
    extra: Partial<QuorumWriterOptions<string>> & { earlyMs?: number } = {},
  ) {
    const { earlyMs, ...options } = extra;
    this.timers = new VirtualTimers(earlyMs);
    this.writer = new QuorumWriter<string>({
      policy: new QuorumPolicy({ n: peers.length + 1, w, ackTimeoutMs: 2_000 }),
      peers,
      local: async (record) => void this.local.push(record),
      timers: this.timers,
      metrics: this.#metrics(),
      onWarning: (warning) => this.warnings.push(warning),
      ...options,
    });
  }

  /** Writes and passes time until everything is over; answers the verdict. */
  async write(id = "r1"): Promise<QuorumResult> {
    const writing = this.writer.write({ id, value: `value of ${id}` });
    await this.timers.pass(3_000);
    return await writing;
  }

  count(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  get missing(): readonly (readonly string[])[] {
    return this.warnings.flatMap((warning) => (warning.kind === "missing_peers" ? [warning.peers] : []));
  }

  get letters(): readonly string[] {
    return this.writer.deadLetters.list().map(({ peerId, record, reason }) => `${peerId} ${record.id}: ${reason}`);
  }

  #metrics(): QuorumMetrics {
    return {
      record: (name, labels, value) => {
        const key = [name, ...Object.values(labels)].join(" ");
        const isCounter = name.endsWith("_total");
        this.counts.set(key, isCounter ? this.count(key) + value : value);
      },
    };
  }
}

const wordOf = (result: QuorumResult): unknown =>
  result.ok ? result.acks : (result.error.quorum ?? result.error.code);

/** The verdict so far, without letting time pass. */
async function now(writing: Promise<QuorumResult>): Promise<unknown> {
  await settled();
  return await Promise.race([writing.then(wordOf), settled().then(() => "waiting")]);
}

describe("QuorumWriter", () => {
  it("C1 answers after one of two acknowledgements, and calls both peers once", async () => {
    const [fast, slow] = [new ScriptedPeer("p1", ack), new ScriptedPeer("p2", "hang")];
    const world = new World(2, [fast, slow]);
    const writing = world.writer.write({ id: "r1", value: "v" });
    expect(await now(writing)).toBe(2);
    expect([fast.calls.length, slow.calls.length]).toEqual([1, 1]);
    slow.answer(ack);
    await world.writer.idle();
    await world.timers.pass(5_000);
    expect([fast.calls.length, slow.calls.length, world.letters, world.missing]).toEqual([1, 1, [], []]);
  });

  it("C2 repeats a failed send once, after 250 ms, with the same idempotency key", async () => {
    const peer = new ScriptedPeer("p2", fail(), ack);
    const world = new World(3, [new ScriptedPeer("p1", ack), peer]);
    const writing = world.writer.write({ id: "r1", value: "v" });
    await world.timers.pass(249);
    expect([peer.calls.length, await now(writing)]).toEqual([1, "waiting"]);
    await world.timers.pass(1);
    expect(await now(writing)).toBe(3);
    await world.timers.pass(5_000);
    expect(peer.calls).toEqual([
      { id: "r1", key: "r1" },
      { id: "r1", key: "r1" },
    ]);
    expect(world.count("replication_fanout_retry_total ok")).toBe(1);
  });

  it("C3 succeeds without a peer that always fails, after two calls to it, and says who is missing", async () => {
    const peer = new ScriptedPeer("p2", fail("http 500"), fail("http 503"));
    const world = new World(2, [new ScriptedPeer("p1", ack), peer]);
    expect(wordOf(await world.write())).toBe(2);
    expect(peer.calls).toHaveLength(2);
    expect(world.missing).toEqual([["p2"]]);
    expect(world.letters).toEqual(["p2 r1: first: http 500; retry: http 503"]);
    expect(world.count("replication_partial_quorum_total")).toBe(1);
    expect(world.count("replication_dead_letter_depth")).toBe(1);
    expect(world.count("replication_peer_failure_streak peer-1")).toBe(1);
  });

  it("C4 keeps the local copy when the quorum fails", async () => {
    const world = new World(3, [new ScriptedPeer("p1", fail()), new ScriptedPeer("p2", new Error("refused"))]);
    const result = await world.write();
    expect(wordOf(result)).toEqual({ got: 1, needed: 3, reason: "unreachable" });
    expect(world.local).toEqual([{ id: "r1", value: "value of r1" }]);
    expect(world.letters).toContain("p2 r1: first: network: refused; retry: network: refused");
    expect(world.count("replication_quorum_failures_total unreachable")).toBe(1);
    expect(world.count("replication_partial_quorum_total")).toBe(0);
  });

  it("C6 needs no peer where one copy is enough, and sends nevertheless", async () => {
    const peers = [new ScriptedPeer("p1", fail()), new ScriptedPeer("p2", fail())];
    const world = new World(1, peers);
    expect(wordOf(await world.write())).toBe(1);
    expect(peers.map(({ calls }) => calls.length)).toEqual([2, 2]);
  });

  it("C7 does not repeat a drift, and does not count it", async () => {
    const peers = [new ScriptedPeer("p1", drift), new ScriptedPeer("p2", drift)];
    const world = new World(2, peers);
    const writing = world.writer.write({ id: "r1", value: "v" });
    expect(await now(writing)).toEqual({ got: 1, needed: 2, reason: "id_drift" });
    await world.timers.pass(5_000);
    expect(peers.map(({ calls }) => calls.length)).toEqual([1, 1]);
    expect(world.count("replication_quorum_ack_total id_drift")).toBe(2);
    expect(world.letters).toEqual(["p1 r1: id_drift", "p2 r1: id_drift"]);
  });

  it.each([0, 1])("never waits past the deadline for a peer that hangs, with timers %d ms early", async (earlyMs) => {
    const world = new World(2, [new ScriptedPeer("p1", "hang"), new ScriptedPeer("p2", "hang")], { earlyMs });
    const writing = world.writer.write({ id: "r1", value: "v" });
    await world.timers.pass(2_000);
    expect(await now(writing)).toEqual({ got: 1, needed: 2, reason: "unreachable" });
    expect(world.letters).toEqual(["p1 r1: deadline_exceeded", "p2 r1: deadline_exceeded"]);
  });

  it("calls nobody when the local write fails", async () => {
    const peer = new ScriptedPeer("p1", ack);
    const cause = new Error("disk full");
    const world = new World(2, [peer], { local: () => Promise.reject(cause) });
    const result = await world.write();
    expect(!result.ok && [result.error.message, result.error.cause]).toEqual(["local write failed: disk full", cause]);
    expect(peer.calls).toEqual([]);
  });

  it("calls nobody before the local write is done", async () => {
    const peer = new ScriptedPeer("p1", ack);
    let finish = (): void => {};
    const world = new World(2, [peer], {
      local: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    const writing = world.writer.write({ id: "r1", value: "v" });
    await world.timers.pass(5_000);
    expect([peer.calls.length, await now(writing)]).toEqual([0, "waiting"]);
    finish();
    expect(await now(writing)).toBe(2);
  });

  it("settles the dead letter of a straggler that acknowledges after the deadline", async () => {
    const slow = new ScriptedPeer("p2", "hang");
    const world = new World(2, [new ScriptedPeer("p1", ack), slow]);
    await world.write();
    expect(world.letters).toEqual(["p2 r1: deadline_exceeded"]);
    slow.answer(ack);
    await world.writer.idle();
    expect([world.letters, world.count("replication_quorum_ack_total late")]).toEqual([[], 1]);
    expect(world.count("replication_dead_letter_depth")).toBe(0);
  });

  it("lets a straggler fail and be repeated after the caller has gone", async () => {
    const slow = new ScriptedPeer("p2", "hang", ack);
    const world = new World(2, [new ScriptedPeer("p1", ack), slow]);
    const writing = world.writer.write({ id: "r1", value: "v" });
    expect(await now(writing)).toBe(2);
    slow.answer(fail());
    await world.timers.pass(250);
    expect([slow.calls.length, world.letters]).toEqual([2, []]);
  });

  it("replays dead letters until the peer has them", async () => {
    const peer = new ScriptedPeer("p2", fail(), fail(), fail(), ack);
    const world = new World(2, [new ScriptedPeer("p1", ack), peer]);
    await world.write();
    await world.writer.replayDeadLetters();
    expect(world.letters).toHaveLength(1);
    await world.writer.replayDeadLetters();
    expect([world.letters, peer.calls.length]).toEqual([[], 4]);
    expect(peer.calls.every(({ key }) => key === "r1")).toBe(true);
  });

  it("counts with strictDeadline only what came in time", async () => {
    const peer = new ScriptedPeer("p1", "hang");
    const world = new World(2, [peer, new ScriptedPeer("p2", "hang")], { strictDeadline: true });
    const writing = world.writer.write({ id: "r1", value: "v" });
    await world.timers.pass(1_000);
    peer.answer(ack);
    expect(await now(writing)).toBe(2);
  });

  it("takes its votes from peers alone where there is no local copy", async () => {
    const peers = [new ScriptedPeer("p1", ack), new ScriptedPeer("p2", ack), new ScriptedPeer("p3", "hang")];
    const timers = new VirtualTimers();
    const writer = new QuorumWriter<string>({ policy: QuorumPolicy.majority(3), peers, timers });
    expect(await now(writer.write({ id: "r1", value: "v" }))).toBe(2);
  });

  it("D19 rejects with all required and a dead sink, and accepts the same with one", async () => {
    const dead = (): ScriptedPeer => new ScriptedPeer("dead", new Error("refused"));
    const strict = new World(2, [dead()]);
    expect((await strict.write()).ok).toBe(false);
    const lenient = new World(1, [dead()]);
    expect([(await lenient.write()).ok, lenient.local.length]).toEqual([true, 1]);
  });

  it("bounds what it has under way at a peer that hangs", async () => {
    const peer = new ScriptedPeer("p1", "hang");
    const world = new World(1, [peer], { inFlightPerPeerMax: 3 });
    for (let index = 0; index < 10; index += 1) await world.writer.write({ id: `r${index}`, value: "v" });
    expect(peer.calls).toHaveLength(3);
    expect(world.letters).toHaveLength(7);
    expect(world.letters[0]).toContain("busy");
  });

  it("bounds its dead letters, and says what had to go", async () => {
    const peer = new ScriptedPeer("p1", fail());
    const world = new World(1, [peer], { deadLetters: new DeadLetters<string>(2) });
    for (const id of ["r1", "r2", "r3"]) await world.write(id);
    expect(world.letters.map((letter) => letter.slice(0, 5))).toEqual(["p1 r2", "p1 r3"]);
    expect(world.warnings).toContainEqual({ kind: "dead_letter_dropped", recordId: "r1", peer: "p1" });
  });

  it("reports a skewed clock and never fails for it", async () => {
    const peer = new ScriptedPeer("p1", { kind: "ack", clockSkewMs: -31_000 });
    const world = new World(2, [peer]);
    expect((await world.write()).ok).toBe(true);
    expect(world.warnings).toEqual([{ kind: "clock_skew", peer: "p1", skewMs: 31_000 }]);
    expect(world.count("replication_clock_skew_seconds peer-0")).toBe(31);
    const near = new World(2, [new ScriptedPeer("p1", { kind: "ack", clockSkewMs: 30_000 })]);
    await near.write();
    expect(near.warnings).toEqual([]);
  });

  it("does not let a broken watcher change the fate of a write", async () => {
    const broken = (): never => {
      throw new Error("broken");
    };
    const world = new World(2, [new ScriptedPeer("p1", ack), new ScriptedPeer("p2", fail())], {
      metrics: { record: broken },
      onWarning: broken,
    });
    expect(wordOf(await world.write())).toBe(2);
    expect(world.letters).toHaveLength(1);
  });

  it("does not take nonsense of an adapter for an acknowledgement", async () => {
    const peer = new ScriptedPeer("p1", undefined as never);
    peer.send = async () => undefined as never;
    const world = new World(2, [peer]);
    expect(wordOf(await world.write())).toMatchObject({ got: 1 });
  });

  it("leaves no timer behind when all have answered", async () => {
    const world = new World(2, [new ScriptedPeer("p1", ack), new ScriptedPeer("p2", ack)]);
    await world.writer.write({ id: "r1", value: "v" });
    await world.writer.idle();
    expect(world.timers.pending).toBe(0);
  });

  it("refuses a policy for another number of copies, and a peer that would vote twice", () => {
    const peers = [new ScriptedPeer("p1", ack)];
    expect(() => new QuorumWriter({ policy: QuorumPolicy.majority(3), peers, local: async () => {} })).toThrow(
      "n must be the number of copies, 2",
    );
    const twice = [new ScriptedPeer("http://P", ack), new ScriptedPeer("http://p/", ack)];
    expect(() => new QuorumWriter({ policy: QuorumPolicy.majority(3), peers: twice, local: async () => {} })).toThrow(
      "duplicate peer",
    );
  });

  it("works with real timers", async () => {
    const policy = new QuorumPolicy({ n: 2, w: 2, ackTimeoutMs: 5 });
    const writer = new QuorumWriter<string>({ policy, peers: [new ScriptedPeer("p1", "hang")], local: async () => {} });
    expect(wordOf(await writer.write({ id: "r1", value: "v" }))).toEqual({ got: 1, needed: 2, reason: "unreachable" });
  });
});
