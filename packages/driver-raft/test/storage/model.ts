// SPDX-License-Identifier: Apache-2.0
import type { ConfState, Entry, HardState } from "../../src/raft/types.ts";
import type { RaftStorage } from "../../src/storage/index.ts";

/** One thing that a node asks of its storage, in terms that make sense whatever the log looks like. */
export type Op =
  | { readonly kind: "append"; readonly count: number; readonly size: number }
  | { readonly kind: "vote" }
  | { readonly kind: "overwrite"; readonly back: number; readonly count: number }
  | { readonly kind: "commit"; readonly by: number }
  | { readonly kind: "snapshot"; readonly trailing: number }
  | { readonly kind: "install"; readonly ahead: number };

/** What the storage must hold, kept as plainly as possible. */
export interface Model {
  readonly hardState: HardState;
  /** The commit index that went to disk with the last batch; the one in `hardState` may be ahead of it. */
  readonly durableCommit: number;
  /** By index; what is compacted stays here. */
  readonly log: ReadonlyMap<number, { readonly term: number; readonly data: string }>;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly snapshot: { readonly index: number; readonly term: number; readonly data: string };
}

export const confState: ConfState = {
  voters: [1, 2, 3],
  learners: [4],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

export const initialSnapshot = {
  data: Buffer.from("genesis"),
  metadata: { confState, index: 1, term: 1 },
};

export const initialModel: Model = {
  hardState: { term: 1, vote: 0, commit: 1 },
  durableCommit: 1,
  log: new Map(),
  lastIndex: 1,
  lastTerm: 1,
  snapshot: { index: 1, term: 1, data: "genesis" },
};

/** What an op means for this model: the state after it, and the call that should bring it about. */
export function planOp(op: Op, model: Model): { readonly next: Model; readonly act: (storage: RaftStorage) => void } {
  switch (op.kind) {
    case "append":
      return planEntries(model, model.hardState, model.lastIndex + 1, op.count, op.size);
    case "vote": {
      const { term, commit } = model.hardState;
      const hardState = { term: term + 1, vote: 1 + (term % 3), commit };
      return { next: { ...model, hardState, durableCommit: commit }, act: (storage) => storage.append({ hardState }) };
    }
    case "overwrite": {
      const from = Math.max(model.hardState.commit, model.snapshot.index, model.lastIndex - op.back) + 1;
      const { term, commit } = model.hardState;
      return planEntries(model, { term: term + 1, vote: 0, commit }, from, op.count, 30);
    }
    case "commit": {
      const commit = Math.min(model.lastIndex, Math.max(model.hardState.commit, model.snapshot.index) + op.by);
      const hardState = { ...model.hardState, commit };
      return { next: { ...model, hardState }, act: (storage) => storage.append({ hardState }) };
    }
    case "snapshot":
      return planSnapshot(model, op.trailing);
    case "install":
      return planInstall(model, op.ahead);
    default:
      throw new Error(`unknown op ${JSON.stringify(op satisfies never)}`);
  }
}

function planEntries(model: Model, hardState: HardState, from: number, count: number, size: number): Planned {
  const { term } = hardState;
  const entries: Entry[] = Array.from({ length: count }, (_, at) => ({
    index: from + at,
    term,
    type: at % 2 === 0 ? "EntryNormal" : "EntryConfChangeV2",
    data: Buffer.from(`${from + at}@${term}`.padEnd(size, ".")),
  }));
  const log = new Map([...model.log].filter(([index]) => index < from));
  for (const { index, data } of entries) log.set(index, { term, data: Buffer.from(data).toString() });
  const lastIndex = from + count - 1;
  const next = { ...model, hardState, durableCommit: hardState.commit, log, lastIndex, lastTerm: term };
  return { next, act: (storage) => storage.append({ hardState, entries }) };
}

type Planned = ReturnType<typeof planOp>;

function planSnapshot(model: Model, trailing: number): Planned {
  const index = model.hardState.commit;
  if (index <= model.snapshot.index) return planOp({ kind: "vote" }, model);
  const data = `state at ${index}`;
  const term = model.log.get(index)?.term ?? model.lastTerm;
  return {
    next: { ...model, durableCommit: index, snapshot: { index, term, data } },
    act: (storage) => {
      storage.createSnapshot({ index, confState, data: Buffer.from(data) });
      storage.compact(Math.max(index - trailing, 0));
    },
  };
}

function planInstall(model: Model, ahead: number): Planned {
  const index = Math.max(model.hardState.commit, model.snapshot.index) + 1 + ahead;
  const term = model.hardState.term + 1;
  const data = `received at ${index}`;
  const hardState = { term, vote: 0, commit: index };
  const entry: Entry = { index: index + 1, term, type: "EntryNormal", data: Buffer.from("after") };
  return {
    next: {
      hardState,
      durableCommit: index,
      log: new Map([[index + 1, { term, data: "after" }]]),
      lastIndex: index + 1,
      lastTerm: term,
      snapshot: { index, term, data },
    },
    act: (storage) => {
      const snapshot = { data: Buffer.from(data), metadata: { confState, index, term } };
      storage.append({ hardState, entries: [entry], snapshot });
    },
  };
}

/** How the storage differs from the model, or undefined. */
export function difference(storage: RaftStorage, model: Model): string | undefined {
  const { hardState, confState: members } = storage.initialState();
  const { term, vote } = model.hardState;
  if (hardState.term !== term || hardState.vote !== vote) {
    return `term ${hardState.term} and vote ${hardState.vote} instead of ${term} and ${vote}`;
  }
  if (
    hardState.commit < model.durableCommit ||
    hardState.commit > Math.max(model.hardState.commit, model.snapshot.index)
  ) {
    return `commit ${hardState.commit} outside ${model.durableCommit}..${model.hardState.commit}`;
  }
  if (storage.lastIndex() !== model.lastIndex) return `last index ${storage.lastIndex()} instead of ${model.lastIndex}`;
  if (storage.term(model.lastIndex) !== model.lastTerm) return `another last term than ${model.lastTerm}`;
  const { metadata, data } = storage.snapshot();
  if (metadata.index !== model.snapshot.index || metadata.term !== model.snapshot.term) {
    return `a snapshot at ${metadata.index} of term ${metadata.term} instead of ${model.snapshot.index}`;
  }
  if (Buffer.from(data).toString() !== model.snapshot.data) return "other data in the snapshot";
  if (JSON.stringify(members) !== JSON.stringify(confState)) return "another configuration";
  if (storage.firstIndex() > metadata.index + 1) return "entries missing behind the snapshot";
  return entryDifference(storage, model);
}

function entryDifference(storage: RaftStorage, model: Model): string | undefined {
  const first = storage.firstIndex();
  if (first > model.lastIndex) return undefined;
  const entries = storage.entries(first, model.lastIndex + 1, Number.POSITIVE_INFINITY);
  if ("code" in entries) return `entries from ${first} on are ${entries.code}`;
  for (const [at, entry] of entries.entries()) {
    const expected = model.log.get(first + at);
    const found = { term: entry.term, data: Buffer.from(entry.data).toString() };
    if (entry.index !== first + at || JSON.stringify(found) !== JSON.stringify(expected)) {
      return `entry ${first + at} is ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`;
    }
  }
  return entries.length === model.lastIndex - first + 1 ? undefined : `only ${entries.length} entries from ${first} on`;
}
