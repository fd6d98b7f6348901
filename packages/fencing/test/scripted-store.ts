// SPDX-License-Identifier: Apache-2.0
import { type FenceRecord, type FenceStore, MemoryFenceStore } from "../src/index.ts";

/** What the next calls of the store do; afterwards it works. */
export type Fate =
  | "work"
  /** Rejects without having written. */
  | "fail"
  /** Writes, and loses the answer. */
  | "lose-answer"
  /** Rejects now and writes when `landLate` is called. */
  | "land-late";

/** A memory store that follows a script, and remembers across fencers as a disk does. */
export class ScriptedStore implements FenceStore {
  readonly disk = new MemoryFenceStore();
  readonly log: string[] = [];
  raises: Fate[] = [];
  loads: Fate[] = [];
  #late: FenceRecord[] = [];

  async load(): Promise<FenceRecord | undefined> {
    this.log.push("load");
    if ((this.loads.shift() ?? "work") !== "work") throw new Error("the disk is gone");
    return await this.disk.load();
  }

  async raise(candidate: FenceRecord): Promise<FenceRecord> {
    this.log.push(`raise ${candidate.epoch} ${candidate.owner}`);
    const fate = this.raises.shift() ?? "work";
    switch (fate) {
      case "work":
        return await this.disk.raise(candidate);
      case "fail":
        throw new Error("disk full");
      case "lose-answer":
        await this.disk.raise(candidate);
        throw new Error("connection reset");
      case "land-late":
        this.#late.push(candidate);
        throw new Error("timed out");
      default:
        return fate satisfies never;
    }
  }

  async landLate(): Promise<void> {
    for (const candidate of this.#late.splice(0)) await this.disk.raise(candidate);
  }
}
