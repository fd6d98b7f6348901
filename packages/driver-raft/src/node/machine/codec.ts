// SPDX-License-Identifier: Apache-2.0
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type Epoch,
  epoch,
  type LeaseRecord,
  MAX_LEASE_HOLDER_BYTES,
  type PeerEndpoint,
  type PhysicalMs,
  parsePeerEndpoint,
  parseSeqKey,
  physicalMs,
  type SeqKey,
} from "@tsoracle/core";
import type { MemberRecord } from "./member.ts";

/** Bytes that no version of this package wrote, or that a newer one did. The node must stop: skipping one entry forks the state. */
export class MachineFormatError extends Error {
  override readonly name = "MachineFormatError";
}

/**
 * Values as records of the replicated state carry them, one after another without tags: integers as
 * unsigned base-128 varints, texts and bytes with their length in front. Every value that is read is
 * checked as it was before it was written.
 */
export class RecordWriter {
  readonly #writer = new BinaryWriter();

  number(value: number): this {
    this.#writer.uint64(value);
    return this;
  }

  bigint(value: bigint): this {
    this.#writer.uint64(value);
    return this;
  }

  text(value: string): this {
    this.#writer.string(value);
    return this;
  }

  lease(record: LeaseRecord): this {
    this.bigint(record.leaseId);
    this.#writer.bytes(record.holder);
    this.bigint(record.holderEpoch).bigint(record.ttlMs).bigint(record.tsUpperBound).bigint(record.expiresAtMs);
    this.#writer.bool(record.superseded);
    return this;
  }

  member({ id, peerEndpoint, clientEndpoint, adminEndpoint, storageId }: MemberRecord): this {
    return this.number(id)
      .text(peerEndpoint)
      .text(clientEndpoint)
      .text(adminEndpoint ?? "")
      .text(storageId ?? "");
  }

  /** The length, then each item. */
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.number(items.length);
    for (const item of items) write(item);
    return this;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** Reads what {@link RecordWriter} wrote. Every method throws {@link MachineFormatError} when it cannot be that. */
export class RecordReader {
  readonly #what: string;
  readonly #reader: BinaryReader;

  constructor(bytes: Uint8Array, what: string) {
    this.#reader = new BinaryReader(bytes);
    this.#what = what;
  }

  number(): number {
    const value = this.bigint();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.#fail(`an integer up to 2^53-1, got ${value}`);
    return Number(value);
  }

  bigint(): bigint {
    return BigInt(this.#attempt("a varint", () => this.#reader.uint64()));
  }

  epoch(): Epoch {
    return epoch(this.bigint());
  }

  physicalMs(): PhysicalMs {
    const value = this.number();
    return this.#attempt("a high-water in 0..=2^46-1", () => physicalMs(value));
  }

  text(): string {
    return this.#attempt("a text", () => this.#reader.string());
  }

  seqKey(): SeqKey {
    const parsed = parseSeqKey(this.text());
    return parsed.ok ? parsed.key : this.#fail("a sequence key");
  }

  endpoint(): PeerEndpoint {
    return this.#endpoint(this.text());
  }

  #optionalEndpoint(): PeerEndpoint | undefined {
    const text = this.text();
    return text === "" ? undefined : this.#endpoint(text);
  }

  #endpoint(text: string): PeerEndpoint {
    const parsed = parsePeerEndpoint(text);
    return parsed.ok ? parsed.endpoint : this.#fail(`an endpoint host:port, got '${text}'`);
  }

  lease(): LeaseRecord {
    const leaseId = this.bigint();
    const holder = this.#attempt("a lease holder", () => Uint8Array.from(this.#reader.bytes()));
    if (holder.length < 1 || holder.length > MAX_LEASE_HOLDER_BYTES) {
      this.#fail(`a lease holder of 1..=${MAX_LEASE_HOLDER_BYTES} bytes, got ${holder.length}`);
    }
    const [holderEpoch, ttlMs, tsUpperBound, expiresAtMs] = [
      this.bigint(),
      this.bigint(),
      this.bigint(),
      this.bigint(),
    ];
    const superseded = this.#attempt("a boolean", () => this.#reader.bool());
    return { leaseId, holder, holderEpoch, ttlMs, tsUpperBound, expiresAtMs, superseded };
  }

  /** A whole set of leases, in strictly rising order of id. */
  leases(): readonly LeaseRecord[] {
    const records = this.list(() => this.lease());
    for (const [index, { leaseId }] of records.entries()) {
      const before = records[index - 1];
      if (before !== undefined && before.leaseId >= leaseId) this.#fail("leases in strictly rising order of id");
    }
    return records;
  }

  member(): MemberRecord {
    const id = this.number();
    const [peerEndpoint, clientEndpoint] = [this.endpoint(), this.endpoint()];
    const adminEndpoint = this.#optionalEndpoint();
    const storageId = this.text();
    const member = { id, peerEndpoint, clientEndpoint, storageId: storageId === "" ? undefined : storageId };
    return adminEndpoint === undefined ? member : { ...member, adminEndpoint };
  }

  list<T>(read: () => T): T[] {
    const length = this.number();
    // Each item takes at least one byte, so a length that cannot be right is refused before anything is allocated.
    if (length > this.#reader.len - this.#reader.pos) this.#fail(`a list that fits, got a length of ${length}`);
    return Array.from({ length }, read);
  }

  /** The record must be over. */
  end(): void {
    const rest = this.#reader.len - this.#reader.pos;
    if (rest !== 0) this.#fail(`the end of the record, got ${rest} more bytes`);
  }

  #attempt<T>(expected: string, read: () => T): T {
    try {
      return read();
    } catch {
      return this.#fail(expected);
    }
  }

  #fail(expected: string): never {
    throw new MachineFormatError(`${this.#what}, byte ${this.#reader.pos}: expected ${expected}`);
  }
}
