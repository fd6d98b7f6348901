// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  type ConsensusDriver,
  ConsensusError,
  type DenseSequences,
  type DriverCapabilities,
  type LeaderState,
  LeadershipCell,
  type LeaseStore,
  rejectOutOfRangeAdvance,
} from "@tsoracle/consensus";
import { EPOCH_ZERO, type Epoch, type LeaseRecord, type PhysicalMs, type SeqEntry, type SeqKey } from "@tsoracle/core";
import { checkLeaseSet, checkSeqEntries } from "./bad-input.ts";
import { fileCapabilities } from "./capabilities.ts";
import { DenseStore } from "./dense-store.ts";
import { HighWaterStore } from "./high-water-store.ts";
import { FileLeaseStore } from "./lease-store.ts";
import type { DirectoryRecords } from "./read-records.ts";
import { SingleWriter } from "./single-writer.ts";
import type { StateDirectory } from "./state-directory.ts";

/** A driver with everything the file store offers. */
export interface FileDriver extends ConsensusDriver {
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  /** The open directory: absolute, without symbolic links. */
  readonly stateDir: string;
}

/** Everything that an open driver is made of. */
export interface FileDriverParts {
  readonly directory: StateDirectory;
  readonly records: DirectoryRecords;
  readonly writeTimeoutMs: number;
}

type Life = { readonly state: "open" } | { readonly state: "closed"; readonly settled: Promise<void> };

/** The driver over an open directory. Memory follows the medium, never the other way round. */
export class OpenFileDriver implements FileDriver {
  readonly name = "file";
  readonly capabilities: DriverCapabilities = fileCapabilities;
  readonly stateDir: string;
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly #directory: StateDirectory;
  readonly #writeTimeoutMs: number;
  readonly #highWater: HighWaterStore;
  readonly #dense: DenseStore;
  readonly #leaseSet: FileLeaseStore;
  readonly #writer: SingleWriter;
  /** Whoever holds the lock leads, in the only epoch there is. */
  readonly #leadership = new LeadershipCell({ role: "leader", epoch: EPOCH_ZERO });
  #life: Life = { state: "open" };

  constructor(parts: FileDriverParts) {
    const { directory, records, writeTimeoutMs } = parts;
    this.stateDir = directory.path;
    this.#directory = directory;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#highWater = new HighWaterStore(records.highWater);
    this.#dense = new DenseStore(records.dense);
    this.#leaseSet = new FileLeaseStore(records.leases);
    this.#writer = new SingleWriter({
      stateDir: directory.path,
      stores: [this.#highWater, this.#leaseSet, this.#dense],
      write: (file, bytes) => directory.write(file, bytes),
      onFault: (fault) => this.#stopServing(fault),
    });
    this.sequences = {
      load: async (key, options) => this.#loadSequence(key, options),
      advance: async (entries, epoch, options) => this.#advanceSequences(entries, epoch, options),
    };
    this.leases = {
      load: async (options) => this.#loadLeases(options),
      replace: async (live, epoch, options) => this.#replaceLeases(live, epoch, options),
    };
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#leadership.read(options);
  }

  async loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    this.#checkUsable(options);
    return this.#highWater.durable;
  }

  async persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    rejectOutOfRangeAdvance(atLeast);
    this.#checkUsable(options);
    checkEpoch(epoch);
    if (atLeast <= this.#highWater.durable) return this.#highWater.durable;
    const raised = this.#highWater.raise(atLeast, this.#waitOptions(options));
    this.#writer.wake();
    return await raised;
  }

  /**
   * Refuses new calls, ends the streams, waits for the calls under way and frees the lock. The lock
   * outlives a write that hangs longer than the write timeout: it is then freed when that write ends,
   * because a rename that lands later must not meet another writer.
   */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#life.state === "open") this.#life = { state: "closed", settled: this.#close() };
    return this.#life.settled;
  }

  async #close(): Promise<void> {
    this.#leadership.close();
    const closed = this.#writer.idle().then(() => this.#directory.close());
    await within(closed, this.#writeTimeoutMs).catch((error: unknown) => {
      throw ConsensusError.from(error);
    });
  }

  #loadSequence(key: SeqKey, options: CallOptions | undefined): bigint {
    this.#checkUsable(options);
    return this.#dense.next(key);
  }

  async #advanceSequences(
    entries: readonly SeqEntry[],
    epoch: Epoch,
    options: CallOptions | undefined,
  ): Promise<readonly bigint[]> {
    const checked = checkSeqEntries(entries);
    this.#checkUsable(options);
    checkEpoch(epoch);
    if (checked.length === 0) return [];
    const advanced = this.#dense.advance(checked, this.#waitOptions(options));
    this.#writer.wake();
    return await advanced;
  }

  #loadLeases(options: CallOptions | undefined): readonly LeaseRecord[] {
    this.#checkUsable(options);
    return this.#leaseSet.durable.map((record) => ({ ...record, holder: Uint8Array.from(record.holder) }));
  }

  async #replaceLeases(live: readonly LeaseRecord[], epoch: Epoch, options: CallOptions | undefined): Promise<void> {
    const checked = checkLeaseSet(live);
    this.#checkUsable(options);
    checkEpoch(epoch);
    const replaced = this.#leaseSet.replace(checked, this.#waitOptions(options));
    this.#writer.wake();
    await replaced;
  }

  #waitOptions(options: CallOptions | undefined): { signal: AbortSignal | undefined; timeoutMs: number } {
    return { signal: options?.signal, timeoutMs: this.#writeTimeoutMs };
  }

  #checkOpen(): void {
    if (this.#life.state === "open") return;
    throw new ConsensusError("closed", `the file driver on ${this.stateDir} is closed; open another`);
  }

  #checkUsable(options: CallOptions | undefined): void {
    this.#checkOpen();
    if (this.#writer.fault !== undefined) throw this.#writer.fault;
    options?.signal?.throwIfAborted();
  }

  /** Whoever watches stops serving first, and then learns why. */
  #stopServing(fault: ConsensusError): void {
    this.#leadership.set({ role: "unknown" });
    this.#leadership.close(fault);
  }
}

/** The store knows one epoch. Another one is a mix-up of drivers, and nothing of it may be written. */
function checkEpoch(epoch: Epoch): void {
  if (epoch === EPOCH_ZERO) return;
  throw new ConsensusError(
    "not_leader",
    `the file driver leads in epoch 0 only, got epoch ${epoch}; nothing was written`,
    {
      currentEpoch: EPOCH_ZERO,
    },
  );
}

/** Resolves with `work`, or after `timeoutMs`; a failure of `work` before that is passed on. */
async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
