// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, systemClock } from "@tsoracle/consensus";
import type { Clock } from "@tsoracle/core";
import { systemTimers, type Timers } from "@tsoracle/quorum";
import { checkBackend, type PersistenceBackend } from "../backend.ts";
import { checkId, checkInteger } from "../checked.ts";
import { SessionError } from "../session-error.ts";
import { checkBudgets } from "../start.ts";
import { checkPolicy, type ResumePolicy } from "../state.ts";
import type { TokenScheme } from "../token.ts";
import type { SessionApplication } from "./application.ts";
import type { SessionEvent } from "./session-event.ts";

/**
 * Where fresh timestamps come from: each greater than all that any node got before the call. With `@tsoracle/client`:
 * `async (call) => (await client.getTs(call)).value`. The signal aborts when the answer is no longer waited for.
 */
export type TimestampSource = (call: { readonly signal: AbortSignal }) => Promise<bigint>;

export interface SessionManagerLimits {
  /** Calls that may wait for one session; one more is refused as `queue_full`. @defaultValue 1024 */
  readonly maxWaiting: number;
  /** Sessions that may be open at one time. @defaultValue 10000 */
  readonly maxSessions: number;
  /** Bytes of entries after which a snapshot is taken although fewer than `checkpointEvery` came. @defaultValue 1 MiB */
  readonly snapshotAfterBytes: number;
  /** How often an uncertain write is repeated before the caller is told; 0 tells at once. @defaultValue 5 */
  readonly settleAttempts: number;
  /** Pause before each repetition, in milliseconds. @defaultValue 100 */
  readonly settlePauseMs: number;
  /** How long a fresh timestamp may take, in milliseconds. @defaultValue 5000 */
  readonly oracleTimeoutMs: number;
}

export const DEFAULT_SESSION_MANAGER_LIMITS: SessionManagerLimits = Object.freeze({
  maxWaiting: 1_024,
  maxSessions: 10_000,
  snapshotAfterBytes: 1024 * 1024,
  settleAttempts: 5,
  settlePauseMs: 100,
  oracleTimeoutMs: 5_000,
});

export interface SessionManagerOptions<State, Entry> {
  /** Any store that keeps the contract. It stays the caller's: the manager does not dispose it. */
  readonly journal: FencedJournal;
  readonly timestamps: TimestampSource;
  /** The name of this process, which no other process has: 1 to 256 bytes. A restarted process may keep it. */
  readonly node: string;
  /** `plainTokens`, or `hmacTokens(secret)` where claims come from other machines. All nodes use the same. */
  readonly tokens: TokenScheme;
  /** `snapshotOnly`, `journalOnly` or `snapshotJournal`; the store's name in it is for people. */
  readonly backend: PersistenceBackend;
  readonly application: SessionApplication<State, Entry>;
  /** What a reconnect does unless it says otherwise; kept with each session that is made here. @defaultValue "rehydrate" */
  readonly resumePolicy?: ResumePolicy | undefined;
  /** Longest time without service that counts as continuous, in milliseconds; kept with the session. @defaultValue 5000 */
  readonly continuitySloMs?: number | undefined;
  /** Most entries that a crash may lose; kept with the session. @defaultValue what the backend loses at worst */
  readonly maxDataLossEvents?: number | undefined;
  /**
   * Asks the oracle for a timestamp for every entry, which orders the entries of all sessions; an append then fails as
   * `oracle_unavailable` while the oracle is away. Otherwise entries carry the epoch of their owner. @defaultValue false
   */
  readonly stampEntries?: boolean | undefined;
  readonly limits?: Partial<SessionManagerLimits> | undefined;
  /** Called synchronously. What it throws stops no session; it surfaces as an uncaught error. */
  readonly onEvent?: ((event: SessionEvent) => void) | undefined;
  /** Wall clock for the times in entries and for durations. @defaultValue the system's */
  readonly clock?: Clock | undefined;
  /** @defaultValue real ones */
  readonly timers?: Timers | undefined;
}

/** The options with their defaults, checked. */
export type ManagerSettings<State, Entry> = {
  readonly [Name in keyof SessionManagerOptions<State, Entry>]-?: Exclude<
    SessionManagerOptions<State, Entry>[Name],
    undefined
  >;
} & { readonly limits: SessionManagerLimits };

/** @throws SessionError `id_invalid`, `number_out_of_range`, `variant_unknown`, `option_invalid`. */
export function managerSettings<State, Entry>(
  options: SessionManagerOptions<State, Entry>,
): ManagerSettings<State, Entry> {
  const backend = checkBackend(options.backend);
  const budgets = checkBudgets({
    continuitySloMs: options.continuitySloMs ?? 5_000,
    maxDataLossEvents: options.maxDataLossEvents ?? worstLoss(backend),
  });
  if (typeof options.timestamps !== "function") {
    throw new SessionError("option_invalid", `expected timestamps to be a function, got ${typeof options.timestamps}`);
  }
  return Object.freeze({
    journal: options.journal,
    timestamps: options.timestamps,
    node: checkId("the node", options.node),
    tokens: options.tokens,
    backend,
    application: options.application,
    resumePolicy: checkPolicy(options.resumePolicy ?? "rehydrate"),
    ...budgets,
    stampEntries: options.stampEntries ?? false,
    limits: checkLimits(options.limits),
    onEvent: options.onEvent ?? (() => {}),
    clock: options.clock ?? systemClock,
    timers: options.timers ?? systemTimers,
  });
}

/** Most deltas that a crash takes from this backend. */
export function worstLoss(backend: PersistenceBackend): number {
  return backend.kind === "snapshot_only" ? backend.checkpointEvery - 1 : 0;
}

function checkLimits(given: Partial<SessionManagerLimits> = {}): SessionManagerLimits {
  const limits = { ...DEFAULT_SESSION_MANAGER_LIMITS, ...given };
  const least: Record<keyof SessionManagerLimits, number> = {
    maxWaiting: 1,
    maxSessions: 1,
    snapshotAfterBytes: 1,
    settleAttempts: 0,
    settlePauseMs: 0,
    oracleTimeoutMs: 1,
  };
  for (const name of Object.keys(least) as (keyof SessionManagerLimits)[]) {
    checkInteger(name, limits[name], least[name], 2 ** 31 - 1);
  }
  return Object.freeze(limits);
}
