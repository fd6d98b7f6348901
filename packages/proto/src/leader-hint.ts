// SPDX-License-Identifier: Apache-2.0
import type { Epoch, LeaderHint as KnownLeader } from "@tsoracle/core";
import { epochFromWire, epochToWire } from "./epoch-wire.ts";
import { type EpochWire, LeaderHint } from "./gen/tsoracle/v1/tso.ts";
import { decodeUtf8 } from "./strict-utf8.ts";
import { WireCursor } from "./wire-cursor.ts";

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

/**
 * Reads a trailer. Never throws: the bytes come from a peer. Strict, because the generated decoder
 * goes on with a partial hint where protobuf demands a refusal, and a hint decides where requests go.
 */
export function decodeLeaderHint(bytes: Uint8Array): LeaderHintReading {
  try {
    return read(bytes);
  } catch (error) {
    return { kind: "malformed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function read(bytes: Uint8Array): LeaderHintReading {
  let leaderEndpoint: string | undefined;
  let leaderEpoch: EpochWire | undefined;
  const cursor = new WireCursor();
  cursor.open(bytes);
  while (!cursor.done) {
    const tag = cursor.tag();
    if (tag === 0x0a) leaderEndpoint = decodeUtf8(cursor.delimited());
    else if (tag === 0x12) leaderEpoch = readEpoch(cursor.delimited(), leaderEpoch);
    else cursor.skip(tag);
  }
  return { kind: "decoded", leaderEndpoint, leaderEpoch: epochFromWire(leaderEpoch) };
}

/** A message field that stands twice is merged: the second adds to the first. */
function readEpoch(bytes: Uint8Array, earlier: EpochWire | undefined): EpochWire {
  let { hi, lo } = earlier ?? { hi: 0n, lo: 0n };
  const cursor = new WireCursor();
  cursor.open(bytes);
  while (!cursor.done) {
    const tag = cursor.tag();
    if (tag === 0x08) {
      cursor.varint();
      hi = cursor.bigint;
    } else if (tag === 0x10) {
      cursor.varint();
      lo = cursor.bigint;
    } else {
      cursor.skip(tag);
    }
  }
  return { hi, lo };
}
