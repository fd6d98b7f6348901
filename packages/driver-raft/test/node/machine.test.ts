// SPDX-License-Identifier: Apache-2.0
import { epoch, type LeaseRecord, peerEndpoint, physicalMs, type SeqKey } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MachineFormatError } from "../../src/node/machine/codec.ts";
import type { Command } from "../../src/node/machine/command.ts";
import { decodeCommand, decodeMember, encodeCommand, encodeMember } from "../../src/node/machine/command-codec.ts";
import { Machine } from "../../src/node/machine/machine.ts";
import type { MemberRecord } from "../../src/node/machine/member.ts";

const key = (text: string): SeqKey => text as SeqKey;
const storageId = "00112233445566778899aabbccddeeff";

function member(id: number, pinned = false): MemberRecord {
  return {
    id,
    peerEndpoint: peerEndpoint(`10.0.0.${id}:7000`),
    clientEndpoint: peerEndpoint(`10.0.0.${id}:50551`),
    storageId: pinned ? storageId : undefined,
  };
}

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anyEpoch = fc.integer({ min: 0, max: 5 }).map((term) => epoch(BigInt(term)));
const anyLease: fc.Arbitrary<LeaseRecord> = fc.record({
  leaseId: u64,
  holder: fc.uint8Array({ minLength: 1, maxLength: 128 }),
  holderEpoch: u64,
  ttlMs: u64,
  tsUpperBound: u64,
  expiresAtMs: u64,
  superseded: fc.boolean(),
});
const anyKey = fc.constantFrom("a", "b", "orders").map(key);
const anyLeases = fc
  .uniqueArray(anyLease, { selector: ({ leaseId }) => leaseId, maxLength: 4 })
  .map((leases) => leases.sort((a, b) => (a.leaseId < b.leaseId ? -1 : 1)));
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant("advance" as const),
    epoch: anyEpoch,
    atLeast: fc.integer({ min: 0, max: 2 ** 46 - 1 }).map(physicalMs),
  }),
  fc.record({
    kind: fc.constant("sequences" as const),
    epoch: anyEpoch,
    entries: fc.array(fc.record({ key: anyKey, count: fc.integer({ min: 1, max: 9 }) }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("leases" as const), epoch: anyEpoch, live: anyLeases }),
  fc.record({
    kind: fc.constant("pin" as const),
    epoch: anyEpoch,
    member: fc.integer({ min: 1, max: 4 }),
    storageId: fc.constant(storageId),
  }),
);

function advance(atLeast: number, term: number): Uint8Array {
  return encodeCommand({ kind: "advance", epoch: epoch(BigInt(term)), atLeast: physicalMs(atLeast) });
}

describe("replicated commands", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        expect(decodeCommand(encodeCommand(command))).toEqual(command);
      }),
    );
  });

  it("have a fixed form, because nodes of several versions read it", () => {
    expect(Buffer.from(advance(300, 7)).toString("hex")).toBe("010107ac02");
  });

  it("are refused with an error of their own when a byte is missing, added or of a newer format", () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        const bytes = encodeCommand(command);
        expect(() => decodeCommand(bytes.subarray(0, -1))).toThrow(MachineFormatError);
        expect(() => decodeCommand(Uint8Array.of(...bytes, 0))).toThrow(MachineFormatError);
        expect(() => decodeCommand(Uint8Array.of(2, ...bytes.subarray(1)))).toThrow(/expected format 1.*got 2/);
      }),
    );
  });

  it("are refused when a list claims to be longer than the record", () => {
    expect(() => decodeCommand(Uint8Array.of(1, 2, 7, 0xff, 0xff, 0xff, 0x7f))).toThrow(/a list that fits/);
  });

  it("carry a member in a membership change", () => {
    const withAdmin = { ...member(5, true), adminEndpoint: peerEndpoint("10.0.0.5:50552") };
    for (const one of [member(3), member(4, true), withAdmin]) expect(decodeMember(encodeMember(one))).toEqual(one);
    expect(() => encodeMember({ ...member(1), id: 0 })).toThrow(/expected a member id/);
    expect(() => encodeMember({ ...withAdmin, adminEndpoint: "5" as never })).toThrow(/adminEndpoint as host:port/);
    expect(() => encodeMember({ ...member(1), storageId: "ABC" })).toThrow(/32 hexadecimal digits/);
  });
});

describe("the replicated state", () => {
  it("S1: raises the high-water and never lowers it", () => {
    const machine = new Machine();
    expect(machine.apply(1, advance(9, 1))).toEqual({ kind: "advanced", highWater: 9 });
    expect(machine.apply(1, advance(5, 1))).toEqual({ kind: "advanced", highWater: 9 });
    expect(machine.highWater).toBe(9);
  });

  it("S3: a command of another term than its entry has no effect", () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        const machine = new Machine([member(1), member(2)]);
        const before = machine.encode();
        const term = Number(command.epoch) + 1;
        expect(machine.apply(term, encodeCommand(command))).toEqual({ kind: "fenced", epoch: epoch(BigInt(term)) });
        expect(machine.encode()).toEqual(before);
      }),
    );
  });

  it("takes the entry of an election for nothing", () => {
    const machine = new Machine();
    const before = machine.encode();
    expect(machine.apply(3, new Uint8Array())).toEqual({ kind: "noop" });
    expect(machine.encode()).toEqual(before);
  });

  it("gives out adjacent blocks, and all of a batch or none", () => {
    const machine = new Machine([], 2);
    const take = (entries: readonly [string, number][]) =>
      machine.apply(
        1,
        encodeCommand({
          kind: "sequences",
          epoch: epoch(1n),
          entries: entries.map(([text, count]) => ({ key: key(text), count })),
        }),
      );
    expect(take([["a", 2]])).toEqual({ kind: "sequences", starts: [0n] });
    expect(
      take([
        ["a", 3],
        ["b", 1],
        ["a", 1],
      ]),
    ).toEqual({ kind: "sequences", starts: [2n, 0n, 5n] });
    expect(
      take([
        ["a", 1],
        ["c", 1],
      ]),
    ).toMatchObject({ kind: "refused", code: "seq_cardinality_exceeded" });
    expect(machine.sequence(key("a"))).toBe(6n);
    expect(machine.sequence(key("c"))).toBe(0n);
  });

  it("M6: never takes an id again that was removed, nor changes a member that stands", () => {
    const machine = new Machine([member(1)]);
    machine.removeMember(1);
    expect(machine.addMember(member(1))).toBe(false);
    expect(machine.member(1)).toBeUndefined();
    expect(machine.wasRemoved(1)).toBe(true);
    expect(machine.addMember(member(2, true))).toBe(true);
    expect(machine.addMember(member(2))).toBe(false);
    expect(machine.member(2)?.storageId).toBe(storageId);
  });

  it("I2: keeps the first storage id that is pinned to a member", () => {
    const machine = new Machine([member(1), member(2), member(3)]);
    const pin = (id: number, storage: string) =>
      machine.apply(1, encodeCommand({ kind: "pin", epoch: epoch(1n), member: id, storageId: storage }));
    expect(machine.pinned([1, 2, 3])).toBe(false);
    expect(pin(1, storageId)).toEqual({ kind: "pinned", storageId });
    expect(machine.pinned([1, 2, 3])).toBe(false);
    expect(pin(1, "f".repeat(32))).toEqual({ kind: "pinned", storageId });
    expect(pin(9, storageId)).toEqual({ kind: "pinned", storageId: undefined });
    expect(pin(2, "f".repeat(32))).toEqual({ kind: "pinned", storageId: "f".repeat(32) });
    expect(machine.pinned([1, 2, 3])).toBe(true);
    expect(machine.pinned([1, 2, 3, 4])).toBe(false);
  });

  it("is the same after a snapshot, with any history before and after it", () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 8 }), fc.array(anyCommand, { maxLength: 8 }), (before, after) => {
        const straight = new Machine([member(1), member(2)]);
        straight.removeMember(2);
        for (const command of before) straight.apply(Number(command.epoch), encodeCommand(command));
        const restored = Machine.decode(straight.encode());
        const outcomes = (machine: Machine) =>
          after.map((command) => machine.apply(Number(command.epoch), encodeCommand(command)));
        expect(outcomes(restored)).toEqual(outcomes(straight));
        expect(restored.encode()).toEqual(straight.encode());
        expect(restored.wasRemoved(2)).toBe(true);
      }),
    );
  });

  it("refuses a snapshot of a newer format, cut short or with more behind it", () => {
    const bytes = new Machine([member(1)]).encode();
    expect(() => Machine.decode(bytes.subarray(0, -1))).toThrow(MachineFormatError);
    expect(() => Machine.decode(Uint8Array.of(...bytes, 0))).toThrow(MachineFormatError);
    expect(() => Machine.decode(Uint8Array.of(9, ...bytes.subarray(1)))).toThrow(/expected format 1.*got 9/);
  });
});
