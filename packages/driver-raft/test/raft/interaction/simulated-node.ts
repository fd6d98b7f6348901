// SPDX-License-Identifier: Apache-2.0
import { decodeConfChange } from "../../../src/raft/confchange/codec.ts";
import { MemoryStorage } from "../../../src/raft/log/memory-storage.ts";
import type { RaftConfig } from "../../../src/raft/raft-config.ts";
import { RawNode } from "../../../src/raft/raw-node.ts";
import {
  type Entry,
  type HardState,
  isEmptyHardState,
  isEmptySnap,
  type Message,
  type Snapshot,
} from "../../../src/raft/types.ts";

/** A storage that, asked for a snapshot, gives the state machine's newest state instead of the one it was cut at. */
class HistoryStorage extends MemoryStorage {
  readonly history: Snapshot[] = [];

  override snapshot(): Snapshot {
    return this.history.at(-1) as Snapshot;
  }
}

/** A node of the scenario files with its storage, its two storage threads and its state machine, which appends bytes. */
export class SimulatedNode {
  readonly raw: RawNode;
  readonly storage: HistoryStorage;
  readonly config: RaftConfig;
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];

  /** Begins with `snapshot`, unless that is undefined, as if everything up to there had happened. */
  constructor(config: Omit<RaftConfig, "storage">, first: Snapshot, bootstrap: boolean) {
    this.storage = new HistoryStorage();
    if (bootstrap) this.storage.applySnapshot(first);
    this.storage.history.push(first);
    this.config = { ...config, storage: this.storage };
    this.raw = new RawNode(this.config);
  }

  get history(): Snapshot[] {
    return this.storage.history;
  }

  /** Writes a batch. Returns what is wrong with it. */
  append(hardState: HardState, entries: readonly Entry[], snapshot: Snapshot): string | undefined {
    if (!isEmptyHardState(hardState)) this.storage.setHardState(hardState);
    if (isEmptySnap(snapshot)) {
      this.storage.append(entries);
      return undefined;
    }
    if (entries.length > 0) return "can't apply snapshot and entries at the same time";
    return this.storage.applySnapshot(snapshot)?.message;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const last = this.history.at(-1) as Snapshot;
      let confState = last.metadata.confState;
      let update = entry.data;
      if (entry.type !== "EntryNormal") {
        const change = decodeConfChange(entry);
        update = change.context;
        confState = this.raw.applyConfChange(change);
      }
      const data = new Uint8Array(last.data.length + update.length);
      data.set(last.data);
      data.set(update, last.data.length);
      this.history.push({ data, metadata: { index: entry.index, term: entry.term, confState } });
    }
  }
}
