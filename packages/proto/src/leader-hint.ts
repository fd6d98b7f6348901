// SPDX-License-Identifier: Apache-2.0
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Epoch, LeaderHint as KnownLeader } from "@tsoracle/core";
import { epochFromWire, epochToWire } from "./epoch-wire.ts";
import { LeaderHint } from "./gen/tsoracle/v1/tso.ts";

/** The binary trailer of a NOT_LEADER status; present, if empty, on each of them (`tsoracle-behaviour.md` 3.4). */
export const LEADER_HINT_TRAILER = "tsoracle-leader-hint-bin";

/**
 * The bytes of the trailer, without base64, which is the transport's. What is not known is left out,
 * so that nothing known is zero bytes (`tsoracle-behaviour.md` 4.3).
 */
export function encodeLeaderHint(hint: KnownLeader): Uint8Array {
  const { leaderEndpoint, leaderEpoch } = hint;
  return LeaderHint.encode({
    leaderEndpoint,
    leaderEpoch: leaderEpoch === undefined ? undefined : epochToWire(leaderEpoch),
  }).finish();
}

/** What the bytes of a trailer say. */
export type LeaderHintReading =
  | {
      readonly kind: "decoded";
      /** As sent: whoever uses it must check it with `parsePeerEndpoint` first. */
      readonly leaderEndpoint: string | undefined;
      readonly leaderEpoch: Epoch | undefined;
    }
  | { readonly kind: "malformed"; readonly reason: string };

/** Replacing bad UTF-8 would name a host that nobody sent, so it is an error. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a trailer. Never throws: the bytes come from a peer. */
export function decodeLeaderHint(bytes: Uint8Array): LeaderHintReading {
  try {
    const reader = new BinaryReader(bytes, (text) => utf8.decode(text));
    const { leaderEndpoint, leaderEpoch } = LeaderHint.decode(reader);
    // The generated decoder stops at a stray end of group instead of refusing it.
    if (reader.pos !== bytes.length) return { kind: "malformed", reason: `unreadable from byte ${reader.pos}` };
    return { kind: "decoded", leaderEndpoint, leaderEpoch: epochFromWire(leaderEpoch) };
  } catch (error) {
    return { kind: "malformed", reason: error instanceof Error ? error.message : String(error) };
  }
}
