// SPDX-License-Identifier: Apache-2.0
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { checkEpoch, checkId } from "./checked.ts";
import { encodeField } from "./encode-field.ts";
import { SessionError } from "./session-error.ts";

/** Shortest secret of {@link hmacTokens}, in bytes. */
export const MIN_SECRET_BYTES = 16;

/**
 * How the tokens of a group of nodes are made and compared. All nodes of the group use the same. It is an
 * argument of what needs it and no part of a session, so that a session never carries a secret.
 */
export interface TokenScheme {
  readonly mode: "plain" | "hmac";
  /** The one token that belongs to a session, an owner and an epoch. @throws SessionError `id_invalid`, `epoch_out_of_range`. */
  expected(sessionId: string, owner: string, epoch: bigint): string;
  /** Whether a token that somebody showed is the expected one. Never throws, whatever was shown. */
  same(given: string, expected: string): boolean;
}

/**
 * The plain token: the same for everybody who knows the ids, hence a check of consistency and no proof.
 * The format is frozen. Source: `fencing-quorum-sessions.md` 4.2 and 4.6.
 *
 * @throws SessionError `id_invalid`, `epoch_out_of_range` for an epoch outside 64 bits.
 */
export function expectedToken(sessionId: string, owner: string, epoch: bigint): string {
  checkId("the session id", sessionId);
  checkId("the owner", owner);
  checkEpoch("the epoch of a token", epoch, 0n);
  return `fence:${encodeField(sessionId)}:${encodeField(owner)}:${epoch}`;
}

/** Tokens that anybody can make. They find mistakes, not attackers. Source: `fencing-quorum-sessions.md` 4.6. */
export const plainTokens: TokenScheme = Object.freeze({
  mode: "plain",
  expected: expectedToken,
  same: (given: string, expected: string) => given === expected,
});

/**
 * Tokens that only those can make who know the secret: HMAC-SHA256 over the plain token, as base64url without
 * padding, compared in constant time. The secret is copied. With a new secret, present owners keep their
 * sessions and cannot renew; takeovers with a higher epoch need tokens of the new one.
 * Source: `fencing-quorum-sessions.md` 4.6.
 *
 * @param secret at least 16 random bytes; 32 are better
 * @throws SessionError `secret_too_short`.
 */
export function hmacTokens(secret: Uint8Array): TokenScheme {
  if (!(secret instanceof Uint8Array) || secret.byteLength < MIN_SECRET_BYTES) {
    const came = secret instanceof Uint8Array ? `${secret.byteLength} bytes` : typeof secret;
    throw new SessionError("secret_too_short", `expected at least ${MIN_SECRET_BYTES} random bytes, got ${came}`);
  }
  const key = createSecretKey(secret);
  return Object.freeze({
    mode: "hmac",
    expected: (sessionId: string, owner: string, epoch: bigint) =>
      createHmac("sha256", key)
        .update(expectedToken(sessionId, owner, epoch), "utf8")
        .digest("base64url"),
    same: sameInConstantTime,
  });
}

/** The length of a token is no secret: it is the same for all of them. */
function sameInConstantTime(given: string, expected: string): boolean {
  if (typeof given !== "string" || given.length !== expected.length) return false;
  const [left, right] = [Buffer.from(given, "utf8"), Buffer.from(expected, "utf8")];
  return left.length === right.length && timingSafeEqual(left, right);
}
