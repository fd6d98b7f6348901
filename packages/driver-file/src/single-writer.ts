// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { AtomicWriteError } from "./atomic-write.ts";
import { reasonOf } from "./file-driver-error.ts";
import type { RecordFile } from "./record.ts";
import type { RecordStore, WriteBatch } from "./record-store.ts";

export interface SingleWriterOptions {
  readonly stateDir: string;
  /** In order of urgency; each gets at most one write before the next has its turn. */
  readonly stores: readonly RecordStore[];
  /** Makes one file durable. */
  readonly write: (file: RecordFile, bytes: Uint8Array) => Promise<void>;
  /** Called once, when what is on the medium is no longer known. */
  readonly onFault: (fault: ConsensusError) => void;
}

/**
 * The one writer of a state directory. It belongs to nobody's call: it ends when nothing is left to
 * write, and never half-way (`tsoracle-behaviour.md` 13 (c)). All three files go through it, because
 * they share one directory, one fsync of it and one fate: once one write is in doubt, all are.
 */
export class SingleWriter {
  readonly #options: SingleWriterOptions;
  #running: Promise<void> | undefined;
  /** Somebody came since the last round began; without it a caller that comes as the loop ends would wait for ever. */
  #asked = false;
  #fault: ConsensusError | undefined;

  constructor(options: SingleWriterOptions) {
    this.#options = options;
  }

  /** Why nothing can be written any more, if that is so. */
  get fault(): ConsensusError | undefined {
    return this.#fault;
  }

  /** There is something to write. */
  wake(): void {
    this.#asked = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written. Never rejects. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // One microtask later, so that the calls of one turn share the first write.
    await Promise.resolve();
    try {
      while (this.#asked && this.#fault === undefined) {
        this.#asked = false;
        await this.#round();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #round(): Promise<void> {
    for (const store of this.#options.stores) {
      const batch = store.take();
      if (batch === undefined) continue;
      await this.#writeOne(batch, store.file);
      if (this.#fault !== undefined) return;
    }
  }

  async #writeOne(batch: WriteBatch, file: RecordFile): Promise<void> {
    try {
      await this.#options.write(file, batch.bytes);
    } catch (error) {
      if (error instanceof AtomicWriteError && error.outcome === "refused") batch.failed(refused(error));
      else this.#fail(error);
      return;
    }
    batch.committed();
  }

  #fail(error: unknown): void {
    const fault = doubtful(this.#options.stateDir, error);
    this.#fault = fault;
    for (const store of this.#options.stores) store.rejectAll(fault);
    this.#options.onFault(fault);
  }
}

function refused(error: AtomicWriteError): ConsensusError {
  return new ConsensusError(
    "permanent",
    `${error.message}. Nothing was written and the old record is in force; free space or correct the permissions`,
    { cause: error },
  );
}

function doubtful(stateDir: string, error: unknown): ConsensusError {
  return new ConsensusError(
    "permanent",
    `${reasonOf(error)}. What a crash would leave in ${stateDir} is now unknown, and after a failed fsync later ` +
      "ones may report success for data that is not there, so this process writes and serves no more. " +
      "Check the disk, then start again",
    { cause: error },
  );
}
