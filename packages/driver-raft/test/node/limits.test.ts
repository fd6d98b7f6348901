// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epoch, type LeaseRecord, physicalMs, type SeqKey } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { formatRaftDirectory, MAX_SEQ_KEY_CAP } from "../../src/node/format.ts";
import type { Command } from "../../src/node/machine/command.ts";
import { encodeCommand } from "../../src/node/machine/command-codec.ts";
import { Machine } from "../../src/node/machine/machine.ts";
import { proposable } from "../../src/node/machine/proposable.ts";
import { newMessage } from "../../src/raft/types.ts";
import { MAX_ENTRY_DATA_BYTES } from "../../src/storage/durable-storage.ts";
import { MAX_SNAPSHOT_DATA_BYTES } from "../../src/storage/snapshot-file.ts";
import { encodeFrame } from "../../src/transport/frame.ts";
import { MAX_FRAME_BYTES } from "../../src/transport/peer-service.ts";
import { memberOf, ReplicaCluster, type TestNode } from "./replica-cluster.ts";

const MAX_U64 = 2n ** 64n - 1n;

/** The largest lease that there can be. */
function lease(leaseId: bigint, holderBytes = 128): LeaseRecord {
  const holder = new Uint8Array(holderBytes);
  const largest = { holderEpoch: MAX_U64, ttlMs: MAX_U64, tsUpperBound: MAX_U64, expiresAtMs: MAX_U64 };
  return { leaseId, holder, ...largest, superseded: true };
}

const leases = (count: number, holderBytes?: number): LeaseRecord[] =>
  Array.from({ length: count }, (_, index) => lease(MAX_U64 - BigInt(count - index), holderBytes));

function fullMachine(keys: number, live: readonly LeaseRecord[]): Machine {
  const machine = new Machine(
    [memberOf(1), memberOf(2)].map((member) => ({ ...member, storageId: undefined })),
    keys,
  );
  for (let index = 0; index < keys; index++) {
    machine.setSequence(index.toString().padStart(128, "k") as SeqKey, MAX_U64);
  }
  machine.apply(1, encodeCommand({ kind: "leases", epoch: epoch(1n), live }));
  return machine;
}

function frameBytes(data: Uint8Array): number {
  const confState = { voters: [1, 2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const snapshot = { data, metadata: { confState, index: 2 ** 52, term: 2 ** 52 } };
  return encodeFrame({ kind: "message", message: newMessage("MsgSnap", { from: 1, to: 2, snapshot }) }).length;
}

describe("sizes", () => {
  it("the defaults' largest state, 10,000 keys of 128 bytes and 10,000 leases, is stored, sent and proposed whole", () => {
    const live = leases(10_000);
    const entry = proposable({ kind: "leases", epoch: epoch(2n ** 53n - 1n), live });
    expect(entry.ok).toBe(true);
    const data = fullMachine(10_000, live).encode();
    expect(data.length).toBeGreaterThan(3_000_000);
    expect(data.length).toBeLessThanOrEqual(MAX_SNAPSHOT_DATA_BYTES);
    expect(frameBytes(data)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });

  it("the largest state that can be at all, with the most keys and one full entry of leases, is stored and sent", () => {
    const perLease = 190;
    const live = leases(Math.floor(MAX_ENTRY_DATA_BYTES / perLease));
    expect(proposable({ kind: "leases", epoch: epoch(1n), live }).ok).toBe(true);
    const data = fullMachine(MAX_SEQ_KEY_CAP, live).encode();
    expect(data.length).toBeLessThanOrEqual(MAX_SNAPSHOT_DATA_BYTES);
    expect(frameBytes(data)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });

  it("a cap of keys whose state would not fit is refused before anything is written", () => {
    for (const seqKeyCap of [0, 1.5, MAX_SEQ_KEY_CAP + 1]) {
      const options = { directory: "must-not-be-made", clusterId: "c", nodeId: 1, seqKeyCap };
      expect(() => formatRaftDirectory(options)).toThrow(/seqKeyCap: expected a whole number in 1\.\.=50000/);
    }
  });
});

/** What callers without types could ask for. */
const unreadable: readonly (readonly [string, (epoch: Epoch) => Exclude<Command, { kind: "advance" }>])[] = [
  ["a count of nothing", (epoch) => ({ kind: "sequences", epoch, entries: [{ key: "a" as SeqKey, count: 0 }] })],
  ["half a count", (epoch) => ({ kind: "sequences", epoch, entries: [{ key: "a" as SeqKey, count: 0.5 }] })],
  ["a negative count", (epoch) => ({ kind: "sequences", epoch, entries: [{ key: "a" as SeqKey, count: -1 }] })],
  ["no key", (epoch) => ({ kind: "sequences", epoch, entries: [{ key: "" as SeqKey, count: 1 }] })],
  ["a long key", (epoch) => ({ kind: "sequences", epoch, entries: [{ key: "k".repeat(129) as SeqKey, count: 1 }] })],
  ["one lease twice", (epoch) => ({ kind: "leases", epoch, live: [lease(7n), lease(7n)] })],
  ["a lease of nobody", (epoch) => ({ kind: "leases", epoch, live: [lease(7n, 0)] })],
  ["a lease of a long name", (epoch) => ({ kind: "leases", epoch, live: [lease(7n, 129)] })],
  ["a number above 64 bits", (epoch) => ({ kind: "leases", epoch, live: [lease(MAX_U64 + 1n)] })],
  ["more than an entry holds", (epoch) => ({ kind: "leases", epoch, live: leases(30_000) })],
];

describe("an entry that nobody could store or read", () => {
  function propose(
    cluster: ReplicaCluster,
    leader: TestNode,
    make: (epoch: Epoch) => Exclude<Command, { kind: "advance" }>,
  ) {
    leader.replica.propose(9_000, make(cluster.epochOf(leader)));
    cluster.deliver();
    return leader.answers.get(9_000);
  }

  it.each(unreadable)("is never proposed, and the cluster goes on: %s", (_what, make) => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const before = leader.replica.status().hardState.commit;
    const answer = propose(cluster, leader, make);
    expect(answer).toMatchObject({ ok: false, refusal: { code: "refused" } });
    expect(leader.replica.status().hardState.commit).toBe(before);
    const id = cluster.advance(leader, 5);
    cluster.tick(2);
    expect(leader.answers.get(id)).toMatchObject({ ok: true });
    for (const { replica } of cluster.nodes.values()) expect(replica.machine.highWater).toBe(physicalMs(5));
  });

  it("the largest entry that can be is carried by every node, and survives their restart", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const live = leases(20_000);
    const answer = propose(cluster, leader, (epoch) => ({ kind: "leases", epoch, live }));
    expect(answer).toMatchObject({ ok: true });
    cluster.tick(3);
    for (const id of cluster.nodes.keys()) cluster.restart(id);
    cluster.elect();
    cluster.tick(3);
    for (const { replica } of cluster.nodes.values()) expect(replica.machine.leases()).toHaveLength(live.length);
  });
});
