// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epoch, U64_MAX } from "@tsoracle/core";

/**
 * Epochs as the nodes keep them: 32 lowercase hex digits, 16 of the round and 16 of the nonce of the process that
 * minted it (`postgres-redis.md` 4.2). The order of the texts is the order of the epochs.
 */
export type Ballot = string;

/** What a node has promised before it has promised anything. */
export const NO_BALLOT: Ballot = "0".repeat(32);

/** A round from here on is never counted up from: it can only come from a damaged node. */
const ROUND_LIMIT = 1n << 63n;
export function isBallot(text: unknown): text is Ballot {
  return typeof text === "string" && /^[0-9a-f]{32}$/.test(text);
}

export function toBallot(value: Epoch): Ballot {
  return value.toString(16).padStart(32, "0");
}

export function toEpoch(ballot: Ballot): Epoch {
  return epoch(BigInt(`0x${ballot}`));
}

export function roundOf(ballot: Ballot): bigint {
  return toEpoch(ballot) >> 64n;
}

/** The larger of two ballots. */
export function laterBallot(a: Ballot, b: Ballot): Ballot {
  return a >= b ? a : b;
}

/**
 * A ballot above every one that was seen: the largest round and one more, with the minter's own nonce, so that no two
 * processes ever mint the same.
 *
 * @param nonce of the process, 1 to 2^64-1
 */
export function mintBallot(seen: Iterable<Ballot>, nonce: bigint): Ballot {
  let largest = 0n;
  for (const ballot of seen) {
    const round = roundOf(ballot);
    if (round < ROUND_LIMIT && round > largest) largest = round;
  }
  return joined(largest + 1n, nonce);
}

/**
 * The promise that a restored oracle begins with: of the next generation, which is the top 16 bits of the round
 * (`postgres-redis.md` 4.2), and counted by the clock inside it, so that it is above what an oracle had reached of which
 * nothing is left, if that was restored once before.
 */
export function restoredBallot(seen: Iterable<Ballot>, nowMs: number): Ballot {
  let generation = 0n;
  for (const ballot of seen) {
    const round = roundOf(ballot);
    if (round < ROUND_LIMIT && round >> 48n > generation) generation = round >> 48n;
  }
  const round = ((generation + 1n) << 48n) | BigInt(nowMs);
  if (round >= ROUND_LIMIT) throw new RangeError(`there is no generation after ${generation}`);
  return joined(round, 0n);
}

function joined(round: bigint, nonce: bigint): Ballot {
  return toBallot(epoch((round << 64n) | (nonce & U64_MAX)));
}

/** The later of two ballots, where one that no ballot is counted up from is as if it had not been seen. */
export function latestCountable(a: Ballot, b: Ballot): Ballot {
  if (roundOf(b) >= ROUND_LIMIT) return a;
  return roundOf(a) >= ROUND_LIMIT ? b : laterBallot(a, b);
}
