// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Message, type MessageType, newMessage } from "../../src/raft/types.ts";
import { decodeFrame, encodeFrame } from "../../src/transport/frame.ts";
import { decodeHello, encodeHello, type Hello } from "../../src/transport/hello.ts";
import { decodeMessage, encodeMessage, isPeerMessage } from "../../src/transport/message-codec.ts";
import { WireError } from "../../src/transport/wire.ts";

const number = fc.oneof(fc.nat(), fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER));
const bytes = fc.uint8Array({ maxLength: 20 });
const ids = fc.array(number, { maxLength: 3 });
const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom<MessageType>("MsgApp", "MsgAppResp", "MsgVote", "MsgSnap", "MsgHeartbeat", "MsgTimeoutNow"),
    to: number,
    from: number,
    term: number,
    logTerm: number,
    index: number,
    commit: number,
    vote: number,
    reject: fc.boolean(),
    rejectHint: number,
    context: bytes,
    entries: fc.array(
      fc.record({
        type: fc.constantFrom("EntryNormal" as const, "EntryConfChange" as const, "EntryConfChangeV2" as const),
        term: number,
        index: number,
        data: bytes,
      }),
      { maxLength: 3 },
    ),
    snapshot: fc.option(
      fc.record({
        data: bytes,
        metadata: fc.record({
          index: number,
          term: number,
          confState: fc.record({
            voters: ids,
            learners: ids,
            votersOutgoing: ids,
            learnersNext: ids,
            autoLeave: fc.boolean(),
          }),
        }),
      }),
      { nil: undefined },
    ),
  })
  .map((fields) => newMessage(fields.type, fields));

const hello: Hello = {
  protocolMin: 1,
  protocolMax: 2,
  clusterId: "c",
  genesis: "g",
  nodeId: 2 ** 53 - 1,
  storageId: "00",
  bootCount: 3,
  incarnation: "i",
  timing: "100/10/0.1",
  peerEndpoint: "127.0.0.1:7",
  echo: "e/1",
  to: 4,
  recorded: [
    { nodeId: 2, storageId: "s2" },
    { nodeId: 2 ** 53 - 1, storageId: "~".repeat(64) },
  ],
  complete: true,
  yourDisk: "s7",
};

describe("peer messages", () => {
  it("come back as they were sent", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
        expect(decodeFrame(encodeFrame({ kind: "message", message }))).toEqual({ kind: "message", message });
      }),
    );
  });

  it("have the field numbers of raftpb, so that its tools can read them", () => {
    const message = newMessage("MsgAppResp", { to: 1, from: 2, term: 3, index: 5, reject: true, rejectHint: 4 });
    expect(Buffer.from(encodeMessage(message)).toString("hex")).toBe("0804100118022003300550015804");
  });

  it("are refused, and nothing else happens, for any bytes that are not one (X4)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        try {
          decodeFrame(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });

  it("pass over fields that a newer version adds (X4)", () => {
    const message = newMessage("MsgHeartbeat", { to: 1, from: 2, term: 3 });
    const longer = Uint8Array.of(...encodeMessage(message), 0xba, 0x06, 1, 7);
    expect(decodeMessage(longer)).toEqual(message);
  });

  it("carry no term or index above 2^53-1 (S6)", () => {
    const term = [0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    expect(() => decodeMessage(Uint8Array.of(0x08, 3, ...term))).toThrow(/term: expected at most 2\^53-1/);
  });

  it("are only those that may leave a node", () => {
    for (const type of ["MsgHup", "MsgBeat", "MsgProp", "MsgStorageAppend", "MsgForgetLeader"] as const) {
      expect(isPeerMessage(type)).toBe(false);
      expect(() => encodeMessage(newMessage(type))).toThrow(WireError);
    }
    expect(() => decodeMessage(Uint8Array.of(0x08, 2))).toThrow(/type of message that travels/);
    expect(() => decodeMessage(Uint8Array.of(0x10, 2))).toThrow(/type of message that travels/);
  });
});

describe("a list of members", () => {
  it("is refused before it is read when it is longer than a cluster could have (X4)", () => {
    const snapshot = (voters: readonly number[]) =>
      newMessage("MsgSnap", {
        snapshot: {
          data: new Uint8Array(),
          metadata: {
            index: 1,
            term: 1,
            confState: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
          },
        },
      });
    const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
    expect(decodeMessage(encodeMessage(snapshot(ids(1_024))))).toEqual(snapshot(ids(1_024)));
    expect(() => decodeMessage(encodeMessage(snapshot(ids(1_025))))).toThrow(
      /members of a configuration: expected at most 1024/,
    );
    expect(() => decodeMessage(encodeMessage(snapshot(ids(20_000))))).toThrow(/expected at most 1024/);
  });
});

describe("a Hello", () => {
  it("comes back as it was sent, also with a longer one's fields behind it", () => {
    expect(decodeHello(encodeHello(hello))).toEqual(hello);
    expect(decodeHello(Uint8Array.of(...encodeHello(hello), 0xa2, 1, 1, 65))).toEqual(hello);
    expect(decodeFrame(encodeFrame({ kind: "hello", hello }))).toEqual({ kind: "hello", hello });
  });

  it("holds no text that a node would not send, since what it says is remembered (X4)", () => {
    for (const key of ["storageId", "incarnation", "peerEndpoint", "echo"] as const) {
      const fits = { ...hello, [key]: "x".repeat(4_096) };
      expect(decodeHello(encodeHello(fits))).toEqual(fits);
      expect(() => decodeHello(encodeHello({ ...hello, [key]: "x".repeat(4_097) }))).toThrow(
        /expected a text of at most 4096 bytes, got 4097/,
      );
    }
  });

  it("holds no list that a cluster could not have, and no disk that could not be recorded", () => {
    const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
    const many = ids(1_025).map((nodeId) => ({ nodeId, storageId: "s" }));
    expect(() => decodeHello(encodeHello({ ...hello, recorded: many }))).toThrow(/at most 1024/);
    for (const storageId of ["", "x".repeat(65), "two words", "é"]) {
      expect(() => decodeHello(encodeHello({ ...hello, recorded: [{ nodeId: 2, storageId }] }))).toThrow(/storage id/);
    }
  });

  it("reads as one of nobody when its fields are missing, which every node refuses", () => {
    expect(decodeHello(new Uint8Array())).toMatchObject({ protocolMax: 0, clusterId: "", nodeId: 0 });
  });
});
