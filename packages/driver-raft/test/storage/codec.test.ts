// SPDX-License-Identifier: Apache-2.0
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../src/storage/bytes.ts";
import { decodeIdentity, encodeIdentity } from "../../src/storage/identity.ts";
import { decodePayload, encodePayload, type Payload, payloadCode } from "../../src/storage/payload.ts";
import { readRecord, writeRecord } from "../../src/storage/record.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "../../src/storage/segment.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/storage/snapshot-file.ts";
import { decodeSlots, encodeSlot, WATERMARK_BYTES } from "../../src/storage/watermark.ts";

const u53 = fc.maxSafeNat();
const u32 = fc.nat({ max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 40 });
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
const ids = fc.array(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 4 });

const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({
    type: fc.constant("entry" as const),
    entry: fc.record({
      index: u53,
      term: u53,
      type: fc.constantFrom("EntryNormal" as const, "EntryConfChange" as const, "EntryConfChangeV2" as const),
      data: bytes,
    }),
  }),
  fc.record({ type: fc.constant("hard_state" as const), hardState: fc.record({ term: u53, vote: u53, commit: u53 }) }),
  fc.record({
    type: fc.constant("snapshot" as const),
    mark: fc.record({ index: u53, term: u53, crc: u32 }),
    install: fc.boolean(),
  }),
  fc.record({ type: fc.constant("overwrite" as const), from: u53, previousTerm: u53 }),
  fc.record({ type: fc.constant("boot" as const), bootCount: u53, incarnation: name }),
  fc.record({
    type: fc.constant("end" as const),
    records: u32,
    summary: fc.record({ lastIndex: u53, lastTerm: u53, digest: u32 }),
  }),
);

const position = { recordSeq: 7, batch: 3, prevCrc: 0x1234 };

describe("records (C1)", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(payload, (each) => {
        const writer = new ByteWriter(512);
        const crc = writeRecord(writer, payloadCode(each), encodePayload(each), position);
        const read = readRecord(writer.finish(), 0, position);
        expect(read).toMatchObject({ kind: "record", crc });
        if (read.kind === "record") expect(decodePayload(read.type, read.payload)).toEqual(each);
      }),
    );
  });

  it("are bad at another place of the chain", () => {
    const writer = new ByteWriter(512);
    writeRecord(writer, 4, new Uint8Array(16), position);
    const record = writer.finish();
    expect(readRecord(record, 0, { ...position, recordSeq: 8 })).toEqual({
      kind: "bad",
      reason: "expected record 8, found 7",
    });
    expect(readRecord(record, 0, { ...position, batch: 4 })).toMatchObject({ reason: /batch 4, found one of 3/ });
    expect(readRecord(record, 0, { ...position, prevCrc: 1 })).toMatchObject({ reason: /follows checksum 0x00000001/ });
  });

  it("with an absurd length are bad, although the header's own checksum is right", () => {
    const writer = new ByteWriter(512);
    writeRecord(writer, 4, new Uint8Array(16), position);
    const record = Uint8Array.from(writer.finish());
    const view = new DataView(record.buffer);
    for (const length of [0xffff_ffff, 4 * 1024 * 1024 + 1, 17]) {
      view.setUint32(8, length, true);
      view.setUint32(32, crc32(record.subarray(0, 32)), true);
      expect(readRecord(record, 0, position)).toMatchObject({ kind: "bad", reason: /found a length of/ });
    }
  });

  it("with numbers beyond 2^53-1 are not decoded (S6)", () => {
    const large = new Uint8Array(16).fill(0xff);
    expect(() => decodePayload(4, large)).toThrow(/expected an integer up to 2\^53-1/);
    expect(() => encodePayload({ type: "overwrite", from: 2 ** 53, previousTerm: 0 })).toThrow(RangeError);
  });

  it("of unknown types, too short or too long are not decoded", () => {
    expect(() => decodePayload(7, new Uint8Array(8))).toThrow(/record type from 1 to 6, found 7/);
    expect(() => decodePayload(4, new Uint8Array(15))).toThrow(/expected 8 more bytes, found 7/);
    expect(() => decodePayload(4, new Uint8Array(17))).toThrow(/found 1 more bytes/);
    expect(() => decodePayload(1, new Uint8Array(17).fill(3, 16))).toThrow(/entry type from 0 to 2, found 3/);
  });
});

describe("files", () => {
  const mark = fc.record({ batch: u53, recordSeq: u53, crc: u32, lastIndex: u53, lastTerm: u53, digest: u32 });

  it("come back as they were written", () => {
    const snapshot = fc.record({
      data: bytes,
      metadata: fc.record({
        index: u53,
        term: u53,
        confState: fc.record({
          voters: ids,
          learners: ids,
          votersOutgoing: ids,
          learnersNext: ids,
          autoLeave: fc.boolean(),
        }),
      }),
    });
    const identity = fc.record({ clusterId: name, storageId: name, nodeId: fc.integer({ min: 1 }), genesis: bytes });
    fc.assert(
      fc.property(snapshot, identity, mark, name, (aSnapshot, anIdentity, aMark, storageId) => {
        const file = { clusterId: "c", snapshot: aSnapshot };
        expect(decodeSnapshot(encodeSnapshot(file))).toEqual(file);
        expect(decodeIdentity(encodeIdentity(anIdentity))).toEqual(anIdentity);
        const { lastIndex, lastTerm } = aMark;
        const hardState = { term: aMark.batch, vote: 1, commit: 2 };
        const base = { hardState, bootCount: 3, mark: { index: 4, term: 5, crc: 6 }, lastIndex, lastTerm };
        const header = { number: 8, bytes: 8192, storageId, mark: aMark, base };
        expect(decodeSegmentHeader(encodeSegmentHeader(header))).toEqual(header);
        const watermark = new Uint8Array(WATERMARK_BYTES);
        const slot = aMark.batch % 2;
        watermark.set(encodeSlot(aMark, storageId), slot * 4096);
        const slots = decodeSlots(watermark);
        expect(slots[slot]).toEqual({ kind: "valid", mark: aMark, storageId });
        expect(slots[1 - slot]).toEqual({ kind: "empty" });
      }),
    );
  });

  it("in a slot that is not theirs are bad", () => {
    const watermark = new Uint8Array(WATERMARK_BYTES);
    const even = { batch: 2, recordSeq: 1, crc: 1, lastIndex: 1, lastTerm: 1, digest: 1 };
    watermark.set(encodeSlot(even, "s"), 4096);
    expect(decodeSlots(watermark)[1]).toMatchObject({ kind: "bad", reason: /a batch of this slot, found batch 2/ });
  });
});
