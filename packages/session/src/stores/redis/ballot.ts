// SPDX-License-Identifier: Apache-2.0

/**
 * Who may write to the copies of one session now: three numbers of 20 digits each, compared from the left.
 *
 * - The *floor* rises whenever a node is readmitted, which ends everything that was begun below it.
 * - The *counter* rises with each attempt to lead the session.
 * - The *nonce* tells the processes apart, so that no two ever have the same ballot.
 *
 * All are digits of one width, so that comparing text is comparing numbers, in scripts too, whose numbers are doubles.
 */
export type Ballot = string & { readonly __brand: "Ballot" };

const WIDTH = 20;

export const NO_BALLOT: Ballot = "0".repeat(3 * WIDTH) as Ballot;

export function makeBallot(floor: bigint, counter: bigint, nonce: bigint): Ballot {
  return [floor, counter, nonce].map(digits).join("") as Ballot;
}

/** An unsigned 64-bit number in 20 digits. */
export function digits(value: bigint): string {
  return String(value).padStart(WIDTH, "0");
}

export function floorOf(ballot: Ballot): bigint {
  return BigInt(ballot.slice(0, WIDTH));
}

export function counterOf(ballot: Ballot): bigint {
  return BigInt(ballot.slice(WIDTH, 2 * WIDTH));
}

/** Undefined for anything that is no ballot. */
export function readBallot(text: string): Ballot | undefined {
  return /^[0-9]{60}$/.test(text) ? (text as Ballot) : undefined;
}

/** Negative, zero or positive: which of two copies of a session is newer. */
export function compareCopies(
  left: { readonly accepted: Ballot; readonly rev: number },
  right: { readonly accepted: Ballot; readonly rev: number },
): number {
  if (left.accepted !== right.accepted) return left.accepted < right.accepted ? -1 : 1;
  return left.rev - right.rev;
}
