// SPDX-License-Identifier: Apache-2.0
import { epoch, type PeerEndpoint, peerEndpoint, U128_MAX } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLeaderHint, encodeLeaderHint, LEADER_HINT_TRAILER } from "../src/index.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => Buffer.from(text, "hex");

describe("leader hint trailer", () => {
  it("has the key of the reference", () => {
    expect(LEADER_HINT_TRAILER).toBe("tsoracle-leader-hint-bin");
  });

  it.each([
    [
      { leaderEndpoint: peerEndpoint("10.0.0.7:50551"), leaderEpoch: epoch(42n) },
      "0a0e31302e302e302e373a35303535311202102a",
    ],
    [{ leaderEndpoint: peerEndpoint("a:1"), leaderEpoch: epoch(0n) }, "0a03613a311200"],
    [{}, ""],
    [{ leaderEpoch: epoch(1n << 64n) }, "12020801"],
    [{ leaderEndpoint: peerEndpoint("a:1") }, "0a03613a31"],
  ])("writes and reads the vector of %o", (hint, encoded) => {
    expect(hex(encodeLeaderHint(hint))).toBe(encoded);
    expect(decodeLeaderHint(bytes(encoded))).toEqual({
      kind: "decoded",
      leaderEndpoint: undefined,
      leaderEpoch: undefined,
      ...hint,
    });
  });

  it("reads back whatever it wrote", () => {
    const endpoint = fc.option(
      fc
        .tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 }))
        .map(([host, port]) => `${host}:${port}` as PeerEndpoint),
      { nil: undefined },
    );
    const anyEpoch = fc.option(fc.bigInt({ min: 0n, max: U128_MAX }).map(epoch), { nil: undefined });
    fc.assert(
      fc.property(endpoint, anyEpoch, (leaderEndpoint, leaderEpoch) => {
        expect(decodeLeaderHint(encodeLeaderHint({ leaderEndpoint, leaderEpoch }))).toEqual({
          kind: "decoded",
          leaderEndpoint,
          leaderEpoch,
        });
      }),
    );
  });

  it("tells epoch zero from no epoch", () => {
    expect(decodeLeaderHint(bytes("1200"))).toMatchObject({ leaderEpoch: 0n });
    expect(decodeLeaderHint(bytes(""))).toMatchObject({ leaderEpoch: undefined });
  });

  it("delivers an endpoint that is none as text", () => {
    expect(decodeLeaderHint(bytes("0a0a687474703a2f2f613a31"))).toMatchObject({
      kind: "decoded",
      leaderEndpoint: "http://a:1",
    });
    expect(decodeLeaderHint(bytes("0a00"))).toMatchObject({ kind: "decoded", leaderEndpoint: "" });
  });

  it.each([
    ["a length beyond the end", "0a0e3130"],
    ["bytes that are not UTF-8", "0a02c328"],
    ["a stray end of group", "0a03613a310c"],
    ["a zero tag", "00"],
    ["wire type 7", "0f"],
    ["a stray end of group inside the epoch", "12010c"],
    ["a varint without an end", "120210ff"],
  ])("calls %s malformed", (_name, encoded) => {
    expect(decodeLeaderHint(bytes(encoded))).toMatchObject({ kind: "malformed", reason: expect.any(String) });
  });

  it("skips fields of a later version", () => {
    expect(decodeLeaderHint(bytes("0a03613a3150071200"))).toMatchObject({ leaderEndpoint: "a:1", leaderEpoch: 0n });
  });

  it("merges an epoch that stands twice, as protobuf does", () => {
    expect(decodeLeaderHint(bytes("1202080112021005"))).toMatchObject({ leaderEpoch: (1n << 64n) | 5n });
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (random) => {
        expect(["decoded", "malformed"]).toContain(decodeLeaderHint(random).kind);
      }),
    );
  });
});
