// SPDX-License-Identifier: Apache-2.0
import type { DenseSequences } from "@tsoracle/consensus";
import {
  MAX_SEQ_KEY_BYTES,
  parseSeqKey,
  type SeqEntry,
  type SeqRequestResult,
  validateSeqRequest,
} from "@tsoracle/core";
import {
  epochToWire,
  type GetSeqBatchRequest,
  type GetSeqBatchResponse,
  type GetSeqRequest,
  type GetSeqResponse,
  type LoadSeqRequest,
  type LoadSeqResponse,
} from "@tsoracle/proto";
import type { Admission } from "./admission.ts";
import type { CounterName, ServerMetrics } from "./metrics.ts";
import type { Presence } from "./presence.ts";
import { Code, RpcError } from "./status.ts";

export interface SequenceParts {
  readonly sequences: DenseSequences | undefined;
  readonly presence: Presence;
  readonly admission: Admission;
  readonly metrics: ServerMetrics;
  readonly maxCount: number;
  readonly maxBatchKeys: number;
}

type Counted = "tsoracle.get_seq" | "tsoracle.get_seq.batch";

/**
 * Dense sequences. An advance is never repeated, and one that has landed is always answered with
 * its values, whatever has become of the reign: withholding them would leave a gap.
 */
export class Sequences {
  readonly #parts: SequenceParts;

  constructor(parts: SequenceParts) {
    this.#parts = parts;
  }

  getSeq(request: GetSeqRequest): Promise<GetSeqResponse> {
    this.#parts.metrics.add("tsoracle.get_seq.requests.total");
    return this.#parts.admission.run(async () => {
      const reign = this.#parts.presence.reign();
      const store = this.#store();
      const entry = this.#entry(request.key, request.count);
      const [start] = await this.#advance("tsoracle.get_seq", store, [entry], reign);
      return { key: entry.key, start: start as bigint, count: entry.count, epoch: epochToWire(reign.epoch) };
    });
  }

  getSeqBatch(request: GetSeqBatchRequest): Promise<GetSeqBatchResponse> {
    const { metrics, admission, presence } = this.#parts;
    metrics.add("tsoracle.get_seq.batch.requests.total");
    return admission.run(async () => {
      const reign = presence.reign();
      const store = this.#store();
      const entries = this.#batch(request);
      metrics.observe("tsoracle.get_seq.batch.keys", entries.length);
      const starts = await this.#advance("tsoracle.get_seq.batch", store, entries, reign);
      const grants = entries.map(({ key, count }, index) => ({ key, start: starts[index] as bigint, count }));
      return { grants, epoch: epochToWire(reign.epoch) };
    });
  }

  /** The next value of a sequence, from the store: what resolves an advance whose outcome is unknown. */
  loadSeq(request: LoadSeqRequest): Promise<LoadSeqResponse> {
    const { admission, presence } = this.#parts;
    return admission.run(async () => {
      const reign = presence.reign();
      const store = this.#store();
      const key = parseSeqKey(request.key);
      if (!key.ok) throw refusedEntry(key, 0);
      const next = await presence.call(reign, "load sequence", () => store.load(key.key));
      await presence.mayAnswer(reign);
      return { key: key.key, next, epoch: epochToWire(reign.epoch) };
    });
  }

  #store(): DenseSequences {
    const { sequences } = this.#parts;
    if (sequences !== undefined) return sequences;
    throw new RpcError(Code.UNIMPLEMENTED, "dense sequences are not supported by this consensus driver");
  }

  #entry(key: string, count: number): SeqEntry {
    const { maxCount } = this.#parts;
    const result = validateSeqRequest(key, count, maxCount);
    if (result.ok) return result.entry;
    throw refusedEntry(result, maxCount);
  }

  #batch(request: GetSeqBatchRequest): readonly SeqEntry[] {
    const { maxBatchKeys } = this.#parts;
    const { length } = request.entries;
    if (length === 0 || length > maxBatchKeys) {
      throw new RpcError(Code.INVALID_ARGUMENT, `expected 1 to ${maxBatchKeys} entries in a batch, got ${length}`);
    }
    const keys = new Set<string>();
    for (const { key } of request.entries) {
      if (keys.has(key))
        throw new RpcError(Code.INVALID_ARGUMENT, `duplicate sequence key in a batch: ${excerpt(key)}`);
      keys.add(key);
    }
    return request.entries.map(({ key, count }) => this.#entry(key, count));
  }

  async #advance(
    counted: Counted,
    store: DenseSequences,
    entries: readonly SeqEntry[],
    reign: ReturnType<Presence["reign"]>,
  ): Promise<readonly bigint[]> {
    const { presence, metrics } = this.#parts;
    let starts: readonly bigint[];
    try {
      starts = await presence.call(reign, "advance sequences", () => store.advance(entries, reign.epoch));
    } catch (error) {
      const full = error instanceof RpcError && error.code === Code.RESOURCE_EXHAUSTED;
      if (full) metrics.add(`${counted}.cardinality_rejected.total`);
      throw error;
    }
    if (starts.length !== entries.length) {
      const message = `the driver answered ${starts.length} starts for ${entries.length} entries; values were used up`;
      throw new RpcError(Code.INTERNAL, message);
    }
    const values: CounterName = `${counted}.values_issued`;
    metrics.add(`${counted}.success.total`);
    metrics.add(
      values,
      entries.reduce((sum, { count }) => sum + count, 0),
    );
    return starts;
  }
}

function refusedEntry(refusal: SeqRequestResult & { ok: false }, maxCount: number): RpcError {
  const limit = `expected 1 to ${MAX_SEQ_KEY_BYTES} bytes of UTF-8`;
  switch (refusal.reason) {
    case "seq_count_zero":
      return new RpcError(Code.INVALID_ARGUMENT, `count must be between 1 and the maximum (${maxCount}), got 0`);
    case "seq_count_too_large":
      return new RpcError(
        Code.INVALID_ARGUMENT,
        `count must be between 1 and the maximum (${refusal.max}), got ${refusal.count}`,
      );
    case "seq_key_empty":
      return new RpcError(Code.INVALID_ARGUMENT, `invalid sequence key: ${limit}, got none`);
    case "seq_key_not_utf8":
      return new RpcError(Code.INVALID_ARGUMENT, `invalid sequence key: ${limit}, got a lone surrogate`);
    case "seq_key_too_long":
      return new RpcError(Code.INVALID_ARGUMENT, `invalid sequence key: ${limit}, got ${refusal.bytes} bytes`);
    default:
      return refusal satisfies never;
  }
}

function excerpt(key: string): string {
  return JSON.stringify(key.length > MAX_SEQ_KEY_BYTES ? `${key.slice(0, MAX_SEQ_KEY_BYTES)}...` : key);
}
