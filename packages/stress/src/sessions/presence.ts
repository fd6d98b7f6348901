// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How often a worker says that it is there. */
export const BEAT_EVERY_MS = 100;

/** Who has said nothing for so long is taken for gone. It may be wrong: that is what fences are for. */
export const GONE_AFTER_MS = 1_000;

interface Seen {
  /** The last that was read, and when it changed, by the monotonic clock of this process. */
  readonly text: string;
  readonly sinceMs: number;
}

/**
 * How workers see each other: each writes the time into a file of its own, and reads those of the others. A stand-in for
 * whatever membership an application has; only liveness rests on it.
 */
export class Presence {
  readonly #directory: string;
  readonly #self: number;
  readonly #workers: number;
  readonly #seen = new Map<number, Seen>();
  /** From here on this worker has been looking; a pause of its own is not the silence of others. */
  #lookingSinceMs: number;
  #lookedAtMs: number;

  constructor(directory: string, self: number, workers: number, monotonicMs: number) {
    this.#directory = directory;
    this.#self = self;
    this.#workers = workers;
    this.#lookingSinceMs = monotonicMs;
    this.#lookedAtMs = monotonicMs;
  }

  /** When a worker last said that it was there, by the wall clock; undefined if it never did or has left. */
  lastBeatMs(worker: number): number | undefined {
    const text = this.#read(worker);
    return text === "" ? undefined : Number(text);
  }

  beat(wallMs: number): void {
    const path = this.#path(this.#self);
    // By rename, so that nobody reads half of it.
    writeFileSync(`${path}.new`, String(wallMs));
    renameSync(`${path}.new`, path);
  }

  /** In good order: the others need not wait. */
  leave(): void {
    rmSync(this.#path(this.#self), { force: true });
  }

  /** Reads what the others say. Call it about as often as they say it. */
  look(monotonicMs: number): void {
    if (monotonicMs - this.#lookedAtMs > GONE_AFTER_MS / 2) this.#lookingSinceMs = monotonicMs;
    this.#lookedAtMs = monotonicMs;
    for (let worker = 0; worker < this.#workers; worker += 1) {
      const text = this.#read(worker);
      if (this.#seen.get(worker)?.text !== text) this.#seen.set(worker, { text, sinceMs: monotonicMs });
    }
  }

  /** Whether a worker is taken for live; this one always is. */
  isLive(worker: number): boolean {
    if (worker === this.#self) return true;
    const seen = this.#seen.get(worker);
    if (seen === undefined || seen.text === "") return false;
    return this.#lookedAtMs - Math.max(seen.sinceMs, this.#lookingSinceMs) < GONE_AFTER_MS;
  }

  /** The workers that are taken for live, rising. */
  get live(): readonly number[] {
    return Array.from({ length: this.#workers }, (_, worker) => worker).filter((worker) => this.isLive(worker));
  }

  /**
   * Who should have the session with this index: its home, or while that is gone one of the others, so that only the
   * sessions of the one that is gone move.
   */
  whoseTurn(index: number): number {
    const home = index % this.#workers;
    const { live } = this;
    if (live.includes(home)) return home;
    return live[Math.floor(index / this.#workers) % live.length] ?? this.#self;
  }

  #path(worker: number): string {
    return join(this.#directory, `worker-${worker}.beat`);
  }

  #read(worker: number): string {
    try {
      return readFileSync(this.#path(worker), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  }
}
