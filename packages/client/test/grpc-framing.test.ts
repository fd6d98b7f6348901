// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FramingError, frameMessage, MAX_MESSAGE_BYTES, MessageReader } from "../src/grpc-framing.ts";

/** Feeds the bytes in pieces that end at the given places. */
function readInPieces(bytes: Buffer, cuts: readonly number[]): string[] {
  const reader = new MessageReader();
  const messages: string[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const to = Math.max(from, Math.min(cut, bytes.length));
    reader.read(bytes.subarray(from, to), (message) => messages.push(message.toString("hex")));
    from = to;
  }
  return messages;
}

describe("frameMessage", () => {
  it("puts a zero flag and the length, big-endian, before the message", () => {
    expect(frameMessage(Buffer.from([8, 1])).toString("hex")).toBe("00000000020801");
    expect(frameMessage(Buffer.alloc(0)).toString("hex")).toBe("0000000000");
  });
});

describe("MessageReader", () => {
  it("finds the same messages however the bytes were cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
        fc.array(fc.nat(600), { maxLength: 20 }),
        (payloads, cuts) => {
          const bytes = Buffer.concat(payloads.map(frameMessage));
          const expected = payloads.map((payload) => Buffer.from(payload).toString("hex"));
          expect(
            readInPieces(
              bytes,
              [...cuts].sort((a, b) => a - b),
            ),
          ).toEqual(expected);
        },
      ),
    );
  });

  it("accepts a message of the greatest length and refuses one byte more, before it has come", () => {
    const longest = frameMessage(Buffer.alloc(MAX_MESSAGE_BYTES));
    expect(readInPieces(longest, [])).toHaveLength(1);
    const prefix = Buffer.from([0, 0, 1, 0, 1]);
    expect(() => readInPieces(prefix, [])).toThrow(FramingError);
  });

  it("refuses a compressed message", () => {
    expect(() => readInPieces(Buffer.from([1, 0, 0, 0, 0]), [])).toThrow("uncompressed");
  });

  it("hands over what is whole before the bytes that are not acceptable", () => {
    const reader = new MessageReader();
    const messages: Buffer[] = [];
    const bytes = Buffer.concat([frameMessage(Buffer.from([7])), Buffer.from([9, 0, 0, 0, 0])]);
    expect(() => reader.read(bytes, (message) => messages.push(message))).toThrow(FramingError);
    expect(messages.map((message) => [...message])).toEqual([[7]]);
  });
});
