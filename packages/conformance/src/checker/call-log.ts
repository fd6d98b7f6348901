// SPDX-License-Identifier: Apache-2.0
import { type Call, type ClientId, type Instant, lastOf, type OkCall, validateCall } from "./call.ts";
import { HistoryError } from "./history-error.ts";
import { U64Column } from "./u64-column.ts";

/** What a history held, for the reader to see that something was judged at all. */
export interface CallCounts {
  readonly total: number;
  /** Calls with timestamps, the ones that are judged. */
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  /** Timestamps in all answers together, duplicates included. */
  readonly timestamps: number;
  readonly clients: number;
  readonly epochs: number;
}

const INITIAL_CAPACITY = 1024;

interface ClientState {
  readonly id: ClientId;
  /** End of the client's latest call, of whatever outcome, as stored. */
  latestEnd: number;
}

/**
 * The answered calls of a history in columns: 40 bytes a call, and nothing per call on the heap.
 *
 * Rows are numbered in the order of recording. Instants are kept as float64; bigint instants relative to the
 * first one, which is exact while a history spans less than 2^53 ticks (104 days of nanoseconds).
 */
export class CallLog {
  readonly first: U64Column = new U64Column(INITIAL_CAPACITY);
  readonly last: U64Column = new U64Column(INITIAL_CAPACITY);
  begin: Float64Array = new Float64Array(INITIAL_CAPACITY);
  end: Float64Array = new Float64Array(INITIAL_CAPACITY);
  client: Uint32Array = new Uint32Array(INITIAL_CAPACITY);
  epoch: Uint32Array = new Uint32Array(INITIAL_CAPACITY);
  /** The epochs that occur; {@link CallLog.epoch} holds indices into it. */
  readonly epochs: bigint[] = [];
  readonly brokenAt: Map<number, number> = new Map();
  readonly #clients: ClientState[] = [];
  readonly #clientIndex = new Map<ClientId, number>();
  readonly #epochIndex = new Map<bigint, number>();
  #base: Instant | undefined;
  #capacity = INITIAL_CAPACITY;
  #length = 0;
  #failed = 0;
  #unknown = 0;
  #timestamps = 0;

  static from(history: Iterable<Call>): CallLog {
    const log = new CallLog();
    for (const call of history) log.push(call);
    return log;
  }

  /** Number of answered calls, which is the number of rows. */
  get length(): number {
    return this.#length;
  }

  get counts(): CallCounts {
    return {
      total: this.#length + this.#failed + this.#unknown,
      ok: this.#length,
      failed: this.#failed,
      unknown: this.#unknown,
      timestamps: this.#timestamps,
      clients: this.#clients.length,
      epochs: this.epochs.length,
    };
  }

  /** @throws HistoryError `malformed_call` or `client_not_sequential`; the log is unchanged then. */
  push(call: Call): void {
    const position = this.counts.total;
    validateCall(call, position);
    const base = this.#base ?? call.begin;
    const begin = toStored(call.begin, base, position);
    const end = toStored(call.end, base, position);
    const client = this.#sequentialClient(call, begin, end, position);
    this.#base = base;
    const { outcome } = call;
    switch (outcome.kind) {
      case "failed":
        this.#failed += 1;
        return;
      case "unknown":
        this.#unknown += 1;
        return;
      case "ok": {
        if (this.#length === this.#capacity) this.#grow();
        const row = this.#length++;
        this.begin[row] = begin;
        this.end[row] = end;
        this.client[row] = client;
        this.first.set(row, outcome.first);
        this.last.set(row, lastOf(outcome));
        this.epoch[row] = this.#epochOf(outcome.epoch);
        if (outcome.brokenAt !== undefined) this.brokenAt.set(row, outcome.brokenAt);
        this.#timestamps += outcome.count;
        return;
      }
      default:
        outcome satisfies never;
    }
  }

  /** The call of a row, equal to what was pushed. */
  call(row: number): OkCall {
    const first = this.first.get(row);
    const count = Number(this.last.get(row) - first) + 1;
    const epoch = this.epochs[this.epoch[row] as number] as bigint;
    const brokenAt = this.brokenAt.get(row);
    const client = (this.#clients[this.client[row] as number] as ClientState).id;
    const outcome = { kind: "ok", first, count, epoch } as const;
    return {
      client,
      begin: this.#fromStored(this.begin[row] as number),
      end: this.#fromStored(this.end[row] as number),
      outcome: brokenAt === undefined ? outcome : { ...outcome, brokenAt },
    };
  }

  /** Which of two rows reaches higher; of equals, the one recorded first. */
  higher(a: number, b: number): number {
    const order = this.last.compare(a, this.last, b);
    return order > 0 || (order === 0 && a < b) ? a : b;
  }

  /** All rows, sorted by `compare` and, where that says 0, by order of recording. */
  sortedRows(compare: (a: number, b: number) => number): Uint32Array {
    const rows = new Uint32Array(this.#length);
    for (let row = 0; row < rows.length; row++) rows[row] = row;
    return rows.sort((a, b) => compare(a, b) || a - b);
  }

  #sequentialClient(call: Call, begin: number, end: number, position: number): number {
    const known = this.#clientIndex.get(call.client);
    if (known === undefined) {
      this.#clientIndex.set(call.client, this.#clients.length);
      return this.#clients.push({ id: call.client, latestEnd: end }) - 1;
    }
    const state = this.#clients[known] as ClientState;
    if (begin < state.latestEnd) {
      throw new HistoryError(
        "client_not_sequential",
        `call ${position} of the history: client ${String(call.client)} began a call at ${call.begin}, before its previous ` +
          `call ended at ${this.#fromStored(state.latestEnd)}; record the calls of a client in program order, and give ` +
          "concurrent callers ids of their own",
      );
    }
    state.latestEnd = end;
    return known;
  }

  #epochOf(epoch: bigint): number {
    const known = this.#epochIndex.get(epoch);
    if (known !== undefined) return known;
    this.#epochIndex.set(epoch, this.epochs.length);
    return this.epochs.push(epoch) - 1;
  }

  #fromStored(stored: number): Instant {
    return typeof this.#base === "bigint" ? this.#base + BigInt(stored) : stored;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.first.grow(this.#capacity);
    this.last.grow(this.#capacity);
    this.begin = enlarged(this.begin, new Float64Array(this.#capacity));
    this.end = enlarged(this.end, new Float64Array(this.#capacity));
    this.client = enlarged(this.client, new Uint32Array(this.#capacity));
    this.epoch = enlarged(this.epoch, new Uint32Array(this.#capacity));
  }
}

function enlarged<Column extends Float64Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

function toStored(instant: Instant, base: Instant, position: number): number {
  if (typeof instant === "number" && typeof base === "number") return instant;
  if (typeof instant === "bigint" && typeof base === "bigint") {
    const offset = Number(instant - base);
    if (Number.isSafeInteger(offset)) return offset;
    throw new HistoryError(
      "malformed_call",
      `call ${position} of the history: expected an instant within 2^53 ticks of the first call's begin ${base}, got ${instant}`,
    );
  }
  throw new HistoryError(
    "malformed_call",
    `call ${position} of the history: expected instants of one type on one clock, got a ${typeof instant} after a ${typeof base}`,
  );
}
