// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  candidateEpoch,
  DurableEpochFencer,
  EpochFencer,
  type EpochKnowledge,
  type FenceRecord,
  type FenceVerdict,
  MemoryFenceStore,
  OwnedEpochFencer,
  Reign,
  type ReignOptions,
  readEpochHeader,
  requiredAcks,
} from "../src/index.ts";
import {
  aboveTheLiving,
  acksOfLiveSinks,
  ForgetsOnRestart,
  IgnoresRefusals,
  type LiveKnowledge,
  WritesInAnyRole,
} from "./mutants/original-election.ts";
import { PromiseWorld } from "./promise-world.ts";

const SLOT = { a: 1n, b: 2n };
const ours = (knowledge: EpochKnowledge & LiveKnowledge, slot: bigint): bigint => candidateEpoch(knowledge, slot);

/** A reigns, is cut off, B is promoted; C hears from both. Answers whom C accepts at the end. */
function isolatedLeader(rule: (knowledge: EpochKnowledge & LiveKnowledge, slot: bigint) => bigint) {
  const c = new EpochFencer();
  const ofA = rule({ known: [], live: [0n, 0n], fencerHighest: 0n, lastPersisted: 0n }, SLOT.a);
  c.checkAndAdvance(ofA);
  // B sees itself and C, both standbys that advertise 0; it remembers what A advertised when it lived.
  const ofB = rule({ known: [ofA], live: [0n, 0n], fencerHighest: ofA, lastPersisted: 0n }, SLOT.b);
  return { newer: ofB > ofA, acceptsNew: c.checkAndAdvance(ofB), acceptsOld: c.checkAndAdvance(ofA) };
}

describe("F1 a failover raises the epoch (D15)", () => {
  it("so the third node refuses the leader that was cut off", () => {
    expect(isolatedLeader(ours)).toEqual({ newer: true, acceptsNew: true, acceptsOld: false });
  });

  it("which counting only the living does not do", () => {
    expect(isolatedLeader(aboveTheLiving)).toEqual({ newer: false, acceptsNew: true, acceptsOld: true });
  });

  it("and every single source of knowledge is enough", () => {
    const none = { known: [], fencerHighest: 0n, lastPersisted: 0n };
    const old = candidateEpoch(none, 9n);
    for (const one of [{ known: [old] }, { fencerHighest: old }, { lastPersisted: old }]) {
      expect(candidateEpoch({ ...none, ...one }, 0n)).toBeGreaterThan(old);
    }
  });
});

/** A leader under the epoch 5 · 2^16 restarts quickly, sees only itself, and ships to a sink. */
function fastRestart(make: new (options: ReignOptions) => Reign, fates: { durable: boolean }) {
  const sink = new OwnedEpochFencer();
  const old = 5n << 16n;
  sink.check(old, "a before");
  const durable = fates.durable ? old : 0n;
  const reign = new make({ id: "a", slot: SLOT.a, fencerHighest: durable, lastPersisted: durable });
  const roles: string[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (reign.state.role !== "leader" && attempt < 3) reign.promised(reign.campaign());
    const write = reign.admitWrite();
    if (write.ok) {
      const verdict = sink.check(write.stamp.epoch, write.stamp.owner);
      if (verdict.ok) return "accepted";
      if (verdict.kind === "stale") reign.fenced(write.stamp.epoch, verdict.current);
    }
    roles.push(reign.state.role);
  }
  return roles.at(-1) === "leader" ? "stuck" : "standby";
}

describe("F2 a leader that restarted is never stuck behind its own fence (D16)", () => {
  it("because it campaigns above what it had promised", () => {
    expect(fastRestart(Reign, { durable: true })).toBe("accepted");
  });

  it("and, had it forgotten that, because a refusal makes it campaign again", () => {
    expect(fastRestart(ForgetsOnRestart, { durable: true })).toBe("accepted");
  });

  it("while one that forgets and ignores refusals is stuck for ever", () => {
    class Original extends IgnoresRefusals {
      constructor(options: ReignOptions) {
        super({ ...options, fencerHighest: 0n, lastPersisted: 0n });
      }
    }
    expect(fastRestart(Original, { durable: true })).toBe("stuck");
  });
});

/** A standby has accepted 7, restarts, and is offered 6. */
async function restartedStandby(
  open: () => Promise<{ check(epoch: bigint, owner: string): Promise<FenceVerdict> | FenceVerdict }>,
) {
  await (await open()).check(7n, "a");
  return (await (await open()).check(6n, "old")).ok;
}

describe("F3 a restarted standby still refuses what it refused before", () => {
  it("because its fence is durable", async () => {
    const store = new MemoryFenceStore();
    expect(await restartedStandby(() => DurableEpochFencer.open(store))).toBe(false);
  });

  it("which a fence in memory is not", async () => {
    expect(await restartedStandby(async () => new OwnedEpochFencer())).toBe(true);
  });
});

/** Two nodes campaign at once with the same knowledge; answers how many a sink lets in. */
function simultaneous(rule: (knowledge: EpochKnowledge & LiveKnowledge, slot: bigint) => bigint, owned: boolean) {
  const knowledge = { known: [], live: [], fencerHighest: 0n, lastPersisted: 0n };
  const claims = [rule(knowledge, SLOT.a), rule(knowledge, SLOT.b)];
  const plain = new EpochFencer();
  const bound = new OwnedEpochFencer();
  const verdicts = claims.map((epoch, index) =>
    owned ? bound.check(epoch, `node-${index}`).ok : plain.checkAndAdvance(epoch),
  );
  return { distinct: claims[0] !== claims[1], passed: verdicts.filter(Boolean).length };
}

describe("F4 two leaders can be told apart", () => {
  it("because the slot of the node is part of its epoch", () => {
    expect(simultaneous(ours, true).distinct).toBe(true);
  });

  it("while counters alone collide, and a fence without owners lets both in", () => {
    expect(simultaneous(aboveTheLiving, false)).toEqual({ distinct: false, passed: 2 });
  });

  it("and the owner catches a collision that happens nevertheless", () => {
    expect(simultaneous(aboveTheLiving, true)).toEqual({ distinct: false, passed: 1 });
  });
});

/** A record is made in one reign and shipped in the next; answers whether it still carries the first epoch. */
function shippedLate(epochAt: "creation" | "shipping") {
  const reign = new Reign({ id: "a", slot: SLOT.a, fencerHighest: 0n, lastPersisted: 0n });
  reign.promised(reign.campaign());
  const admission = reign.admitWrite();
  if (!admission.ok) throw new Error("a leader admits writes");
  const record: { readonly stamp: FenceRecord } = { stamp: admission.stamp };
  reign.observed(candidateEpoch({ known: [record.stamp.epoch], fencerHighest: 0n, lastPersisted: 0n }, SLOT.b), "b");
  reign.promised(reign.campaign());
  const now = reign.admitWrite();
  if (!now.ok) throw new Error("it leads again");
  const shipped = epochAt === "creation" ? record.stamp.epoch : now.stamp.epoch;
  const sink = new OwnedEpochFencer();
  sink.check(now.stamp.epoch, now.stamp.owner);
  return sink.check(shipped, record.stamp.owner).ok;
}

describe("F5 a record of an old reign never gets a new epoch", () => {
  it("because it carries the stamp of its creation, and is refused", () => {
    expect(shippedLate("creation")).toBe(false);
  });

  it("while the epoch read at shipping lets it through", () => {
    expect(shippedLate("shipping")).toBe(true);
  });
});

/** A leader is refused with a higher epoch. */
function refused(make: new (options: ReignOptions) => Reign) {
  const reign = new make({ id: "a", slot: SLOT.a, fencerHighest: 0n, lastPersisted: 0n });
  const epoch = reign.campaign();
  reign.promised(epoch);
  const current = 900n << 16n;
  reign.fenced(epoch, current);
  return { role: reign.state.role, above: reign.campaign() > current };
}

describe("F6 a refusal reaches the leader", () => {
  it("which steps down and campaigns above it", () => {
    expect(refused(Reign)).toEqual({ role: "standby", above: true });
  });

  it("which one that ignores refusals does not", () => {
    expect(refused(IgnoresRefusals)).toEqual({ role: "leader", above: false });
  });

  it("and a split brain at the same epoch ends the reign too", () => {
    const reign = new Reign({ id: "a", slot: SLOT.a, fencerHighest: 0n, lastPersisted: 0n });
    const epoch = reign.campaign();
    reign.promised(epoch);
    reign.fenced(epoch, epoch);
    expect(reign.state).toEqual({ role: "standby" });
    expect(reign.campaign()).toBeGreaterThan(epoch);
  });

  it("while an old refusal does not end a newer reign", () => {
    const reign = new Reign({ id: "a", slot: SLOT.a, fencerHighest: 0n, lastPersisted: 0n });
    const first = reign.campaign();
    reign.fenced(first, first);
    const second = reign.campaign();
    reign.promised(second);
    reign.fenced(first, first);
    expect(reign.state).toEqual({ role: "leader", epoch: second });
  });
});

describe("F7 two sides of a partition never both acknowledge", () => {
  it("D17 one side of three serves", async () => {
    const world = await PromiseWorld.of(3);
    expect([await world.campaign(0, [0, 1]), await world.campaign(2, [2])]).toEqual([true, false]);
    expect([await world.write(0, [0, 1]), await world.write(2, [2])]).toEqual([true, false]);
  });

  it("D18 neither half of four serves", async () => {
    const world = await PromiseWorld.of(4);
    expect([await world.campaign(0, [0, 1]), await world.campaign(2, [2, 3])]).toEqual([false, false]);
    expect([await world.write(0, [0, 1]), await world.write(2, [2, 3])]).toEqual([false, false]);
  });

  it("while counting the sinks that are there lets both halves serve", async () => {
    const world = await PromiseWorld.of(4, acksOfLiveSinks);
    expect([await world.campaign(0, [0, 1]), await world.campaign(2, [2, 3])]).toEqual([true, true]);
    expect([await world.write(0, [0, 1]), await world.write(2, [2, 3])]).toEqual([true, true]);
  });

  it("hands a healed group to one leader, and the old one steps down at its next write", async () => {
    const world = await PromiseWorld.of(3);
    await world.campaign(0, [0, 1, 2]);
    world.reign(2).observed(world.fence(2).highest);
    expect(await world.campaign(2, [1, 2])).toBe(true);
    expect(await world.write(0, [0, 1, 2])).toBe(false);
    expect(world.reign(0).state.role).toBe("standby");
    expect(await world.write(2, [1, 2])).toBe(true);
  });

  it.each([
    [3, 1],
    [4, 2],
    [5, 6],
    [3, 0],
    [0, 0],
    [3, 1.5],
  ])("refuses, of %i members that elect, %d acknowledgements", (configuredMembers, requested) => {
    expect(() => requiredAcks({ configuredMembers, requested, electsLeaders: true })).toThrow(
      "[required_acks_too_few]",
    );
  });

  it("D19 takes 0 only where nobody is elected", () => {
    expect(requiredAcks({ configuredMembers: 2, requested: 0, electsLeaders: false })).toBe(0);
    expect(() => requiredAcks({ configuredMembers: 2, requested: 0, electsLeaders: true })).toThrow(RangeError);
    expect([1, 2, 3, 4].map((configuredMembers) => requiredAcks({ configuredMembers, electsLeaders: true }))).toEqual([
      1, 2, 2, 3,
    ]);
  });
});

/** A client writes to a node that follows b. */
function writeToStandby(make: new (options: ReignOptions) => Reign) {
  const reign = new make({ id: "a", slot: SLOT.a, fencerHighest: 0n, lastPersisted: 0n });
  reign.observed(7n << 16n, "b");
  return reign.admitWrite();
}

describe("F8 only a leader takes writes (D19b)", () => {
  it("others name the leader and store nothing", () => {
    expect(writeToStandby(Reign)).toEqual({ ok: false, kind: "not_leader", leader: "b" });
  });

  it("which the original does not see to", () => {
    expect(writeToStandby(WritesInAnyRole)).toMatchObject({ ok: true });
  });

  it("nor does a candidate before its promise is durable", () => {
    const reign = new Reign({ id: "a", slot: SLOT.a, fencerHighest: 0n, lastPersisted: 0n });
    reign.promised(reign.campaign());
    expect(reign.admitWrite()).toMatchObject({ ok: true, stamp: { owner: "a" } });
    const second = reign.campaign();
    expect(reign.admitWrite()).toEqual({ ok: false, kind: "not_leader" });
    reign.promised(second - 1n);
    expect(reign.admitWrite()).toEqual({ ok: false, kind: "not_leader" });
  });
});

describe("a missing epoch", () => {
  it("is refused, where the original read 0 and a fresh sink let it in", () => {
    expect(readEpochHeader(undefined).ok).toBe(false);
    expect(new EpochFencer().checkAndAdvance(0n)).toBe(true);
  });
});
