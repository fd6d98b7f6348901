// SPDX-License-Identifier: Apache-2.0
import type { Epoch, Timestamp } from "@tsoracle/core";
import { CallContext } from "./call-context.ts";
import { ClientError, overloaded } from "./client-error.ts";
import { type ClientOptions, resolveOptions } from "./client-options.ts";
import {
  acquireLease,
  getCurrentMaxSafe,
  getSafeFrontier,
  type Lease,
  type LeaseRequest,
  releaseLease,
  renewLease,
  type SafePoint,
} from "./lease-calls.ts";
import { getSeq, getSeqBatch, loadSeq, type SeqBlock, type SeqPosition, type SeqRequest } from "./sequence-calls.ts";
import { TimestampEngine } from "./timestamp-engine.ts";
import type { TimestampRange } from "./timestamp-range.ts";

export interface CallOptions {
  /**
   * Gives the call up: it rejects with the signal's reason. A sequence advance that was already sent
   * rejects as `seq_uncertain` instead, because giving up does not take it back.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Who the client believes to lead; for people and diagnostics. */
export interface CachedLeaderInfo {
  /** `host:port`. */
  readonly endpoint: string;
  readonly epoch: Epoch | undefined;
}

/**
 * A client of one oracle. All methods may be called at any time, from anywhere in the process, and
 * reject with {@link ClientError} or with the reason of the signal that was given.
 */
export interface Client extends AsyncDisposable {
  /**
   * A timestamp greater than every timestamp that any call, in any process, got before this call was
   * made. Calls of one event-loop turn share one request. Tried again on other servers for at most
   * `retry.overallDeadlineMs`.
   */
  getTs(options?: CallOptions): Promise<Timestamp>;
  /** `count` consecutive timestamps, 1 to 262,144, at the price of one. */
  getTsBatch(count: number, options?: CallOptions): Promise<TimestampRange>;
  /**
   * Takes `count` values of a dense sequence.
   *
   * @throws ClientError `seq_uncertain` when the request was sent and its outcome is unknown: the
   * client does not repeat it. Ask {@link loadSeq} where the sequence stands.
   */
  getSeq(key: string, count: number, options?: CallOptions): Promise<SeqBlock>;
  /** Advances several sequences, all or none; the keys must differ. Uncertain as {@link getSeq} is. */
  getSeqBatch(entries: readonly SeqRequest[], options?: CallOptions): Promise<readonly SeqBlock[]>;
  /** Reads a sequence without changing it. `rpc` with status UNIMPLEMENTED from servers that cannot tell. */
  loadSeq(key: string, options?: CallOptions): Promise<SeqPosition>;
  /** One attempt, at the leader of last report. A refusal that names the leader helps the next call. */
  acquireLease(request: LeaseRequest, options?: CallOptions): Promise<Lease>;
  /** As {@link acquireLease}; keeps the id and prolongs by the lease's own time to live. */
  renewLease(leaseId: bigint, options?: CallOptions): Promise<Lease>;
  /** As {@link acquireLease}; releasing an unknown lease is a success. */
  releaseLease(leaseId: bigint, options?: CallOptions): Promise<void>;
  /** One attempt. Zero from a server that does not lead; see the server for what the point promises. */
  getCurrentMaxSafe(options?: CallOptions): Promise<SafePoint>;
  /** As {@link getCurrentMaxSafe}, held back by the bounds of unexpired leases. */
  getSafeFrontier(options?: CallOptions): Promise<SafePoint>;
  readonly cachedLeader: CachedLeaderInfo | undefined;
  /** Rejects every call that waits, and every later one, as `closed`, and ends all connections. Any number of times. */
  close(): Promise<void>;
}

/**
 * Makes a client. Nothing is dialled before the first call. An open client keeps the process alive:
 * close it, or hold it with `await using`.
 *
 * @throws ClientError `no_reachable_endpoints` for an empty list, `invalid_endpoint`, `invalid_options`.
 */
export function createClient(options: ClientOptions): Client {
  return new OracleClient(new CallContext(resolveOptions(options)));
}

class OracleClient implements Client {
  readonly #context: CallContext;
  readonly #engine: TimestampEngine;
  #underWay = 0;

  constructor(context: CallContext) {
    this.#context = context;
    this.#engine = new TimestampEngine(context);
  }

  getTs(options?: CallOptions): Promise<Timestamp> {
    return this.#engine.one(options?.signal);
  }

  getTsBatch(count: number, options?: CallOptions): Promise<TimestampRange> {
    return this.#engine.range(count, options?.signal);
  }

  getSeq(key: string, count: number, options?: CallOptions): Promise<SeqBlock> {
    return this.#admit(() => getSeq(this.#context, key, count, options?.signal));
  }

  getSeqBatch(entries: readonly SeqRequest[], options?: CallOptions): Promise<readonly SeqBlock[]> {
    return this.#admit(() => getSeqBatch(this.#context, entries, options?.signal));
  }

  loadSeq(key: string, options?: CallOptions): Promise<SeqPosition> {
    return this.#admit(() => loadSeq(this.#context, key, options?.signal));
  }

  acquireLease(request: LeaseRequest, options?: CallOptions): Promise<Lease> {
    return this.#admit(() => acquireLease(this.#context, request, options?.signal));
  }

  renewLease(leaseId: bigint, options?: CallOptions): Promise<Lease> {
    return this.#admit(() => renewLease(this.#context, leaseId, options?.signal));
  }

  releaseLease(leaseId: bigint, options?: CallOptions): Promise<void> {
    return this.#admit(() => releaseLease(this.#context, leaseId, options?.signal));
  }

  getCurrentMaxSafe(options?: CallOptions): Promise<SafePoint> {
    return this.#admit(() => getCurrentMaxSafe(this.#context, options?.signal));
  }

  getSafeFrontier(options?: CallOptions): Promise<SafePoint> {
    return this.#admit(() => getSafeFrontier(this.#context, options?.signal));
  }

  get cachedLeader(): CachedLeaderInfo | undefined {
    const cached = this.#context.leaders.fresh(performance.now());
    return cached === undefined ? undefined : { endpoint: cached.target.address, epoch: cached.epoch };
  }

  /** Calls that do not share requests are bounded by the same number as those that wait to share one. */
  async #admit<Value>(call: () => Promise<Value>): Promise<Value> {
    const { maxQueuedCalls } = this.#context.options;
    if (this.#underWay >= maxQueuedCalls) throw overloaded(maxQueuedCalls);
    this.#underWay += 1;
    try {
      return await call();
    } finally {
      this.#underWay -= 1;
    }
  }

  async close(): Promise<void> {
    const closed = new ClientError("closed", "the client was closed");
    if (!this.#context.closing.signal.aborted) this.#context.closing.abort(closed);
    this.#engine.close(closed);
    this.#context.pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
