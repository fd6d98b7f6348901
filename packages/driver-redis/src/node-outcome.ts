// SPDX-License-Identifier: Apache-2.0
import type { Ballot } from "./ballot.ts";

/**
 * Why a node did not answer with a vote (`postgres-redis.md` 4.10).
 *
 * - `unavailable`: it may answer later.
 * - `refusing`: it is up and will not write: full, read-only, failing to save.
 * - `configuration`: access, TLS, settings: a person has to change something.
 * - `amnesia`: it holds no register, or one that is not the expected one.
 * - `topology`: it is not an independent server: part of a Redis Cluster, or one of the others under another name.
 */
export type FailureKind = "unavailable" | "refusing" | "configuration" | "amnesia" | "topology";

export interface NodeFailure {
  readonly kind: "failed";
  readonly why: FailureKind;
  /** Whether the command may have been, or may yet be, carried out. */
  readonly mayHaveRun: boolean;
  /** What it said, and what to do about it. */
  readonly message: string;
  /** What it lost, if it could vote again once it is admitted; undefined for all other failures. */
  readonly lost?: LostState | undefined;
}

/**
 * What an admission has to make good: `register`, the node is empty; `trust`, it has restarted, and what it holds may
 * be older than what it acknowledged.
 */
export type LostState = "register" | "trust";

/** What STATUS says. */
export interface StatusAnswer {
  readonly kind: "ok";
  readonly promised: Ballot;
  readonly highWater: number;
  readonly beat: string;
  /** Milliseconds for which other candidates are still told LEASED. */
  readonly leasedForMs: number;
  readonly endpoint: string;
  readonly holder: string;
  /** The newest epoch that was released cleanly. */
  readonly released: Ballot;
}

/** What PREPARE found, as it was before. */
export interface PrepareAnswer {
  readonly kind: "ok";
  readonly promised: Ballot;
  readonly highWater: number;
  readonly beat: string;
  readonly released: Ballot;
  readonly holder: string;
  /** The promise had been given before, so the earlier state is not known. */
  readonly duplicate: boolean;
}

export interface PersistAnswer {
  readonly kind: "ok";
  readonly highWater: number;
}

export interface PlainAnswer {
  readonly kind: "ok";
}

/** The node has promised a newer epoch. */
export interface FencedAnswer {
  readonly kind: "fenced";
  readonly promised: Ballot;
}

/** The candidacy is refused: somebody is newer, or still holds the node. */
export interface LostAnswer {
  readonly kind: "stale" | "leased";
  readonly promised: Ballot;
}

/** The node refused a value that should never have been sent. */
export interface RangeAnswer {
  readonly kind: "range";
}

export type StatusOutcome = StatusAnswer | NodeFailure;
export type PrepareOutcome = PrepareAnswer | LostAnswer | NodeFailure;
export type PersistOutcome = PersistAnswer | FencedAnswer | RangeAnswer | NodeFailure;
export type ReleaseOutcome = PlainAnswer | FencedAnswer | NodeFailure;
/** `exists`: it needs no admission any more. `lost`: the claim is not the newest, or the server has restarted since. */
export type AdmitOutcome = PlainAnswer | { readonly kind: "exists" | "lost" } | NodeFailure;
export type ClaimOutcome = AdmitOutcome;
