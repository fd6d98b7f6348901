// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError, type JournalErrorCode, type JournalFence } from "@tsoracle/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { journalOnly, type PersistenceBackend, snapshotJournal, snapshotOnly } from "../../src/index.ts";
import { History, historyStep, type Misreading } from "./history.ts";

const LIMIT = 120_000;
const histories = fc.array(historyStep, { minLength: 5, maxLength: 60 });
const withOpening = (backend: PersistenceBackend, misreading?: Misreading): fc.IAsyncProperty<[unknown]> =>
  fc.asyncProperty(histories, async (steps) => {
    const broken = await new History(backend, misreading).run([{ kind: "open", node: 0 }, ...steps]);
    expect(broken).toEqual([]);
  }) as fc.IAsyncProperty<[unknown]>;

const backends: readonly [string, PersistenceBackend][] = [
  ["a journal alone", journalOnly("m")],
  ["a journal with snapshots", snapshotJournal("m", "m", 2)],
  ["snapshots alone", snapshotOnly("m", 2)],
];

describe("histories of several managers over one store with faults (fencing-quorum-sessions.md 6.7)", {
  timeout: LIMIT,
}, () => {
  it.each(backends)(
    "lose nothing that was acknowledged and let no deposed owner write, with %s",
    async (_what, backend) => {
      await fc.assert(withOpening(backend), { numRuns: 150 });
    },
  );
});

/** Changes what a manager hears of some of its calls. */
function hears(changes: (inner: FencedJournal) => Partial<FencedJournal>): Misreading {
  return (inner) => ({
    name: inner.name,
    limits: inner.limits,
    load: (...call) => inner.load(...call),
    createIfAbsent: (...call) => inner.createIfAbsent(...call),
    takeover: (...call) => inner.takeover(...call),
    append: (...call) => inner.append(...call),
    putSnapshot: (...call) => inner.putSnapshot(...call),
    truncateThrough: (...call) => inner.truncateThrough(...call),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    ...changes(inner),
  });
}

async function unless(code: JournalErrorCode, call: Promise<void>, instead: () => void): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== code) throw error;
    instead();
  }
}

/** Whoever takes over goes on under the fence that is there already, and so does everybody else. */
function epochsUsedAgain(inner: FencedJournal): Partial<FencedJournal> {
  let mine: JournalFence | undefined;
  const present = async (id: string): Promise<JournalFence> => (await inner.load(id)).fence;
  return {
    load: async (id, options) => {
      const state = await inner.load(id, options);
      return mine === undefined ? state : { ...state, fence: mine };
    },
    takeover: async (id, fence) => {
      const head = await inner.load(id);
      mine = fence;
      return { ...head, fence };
    },
    append: async (id, _fence, ...rest) => inner.append(id, await present(id), ...rest),
    putSnapshot: async (id, _fence, ...rest) => inner.putSnapshot(id, await present(id), ...rest),
    truncateThrough: async (id, _fence, ...rest) => inner.truncateThrough(id, await present(id), ...rest),
  };
}

const mutants: readonly [string, PersistenceBackend, Misreading][] = [
  [
    "only logs that a write was fenced",
    journalOnly("m"),
    hears((inner) => ({ append: (...call) => unless("fenced", inner.append(...call), () => {}) })),
  ],
  [
    "takes an uncertain write as failed",
    journalOnly("m"),
    hears((inner) => ({
      append: (...call) =>
        unless("uncertain", inner.append(...call), () => {
          throw new JournalError("transient", "taken as failed");
        }),
    })),
  ],
  [
    "takes an uncertain write as done",
    journalOnly("m"),
    hears((inner) => ({ append: (...call) => unless("uncertain", inner.append(...call), () => {}) })),
  ],
  [
    "writes what is in doubt again under the next number",
    journalOnly("m"),
    hears((inner) => ({
      append: (id, fence, seq, ...rest) =>
        inner.append(id, fence, seq, ...rest).catch(async (error: unknown) => {
          if (!(error instanceof JournalError) || error.nextSeq === undefined) throw error;
          await inner.append(id, fence, error.nextSeq, ...rest);
        }),
    })),
  ],
  [
    "truncates before it knows that the snapshot is there",
    snapshotJournal("m", "m", 2),
    hears((inner) => ({ putSnapshot: (...call) => inner.putSnapshot(...call).catch(() => {}) })),
  ],
  ["uses an epoch again in a takeover", journalOnly("m"), hears(epochsUsedAgain)],
];

describe("the same histories notice a manager that", { timeout: LIMIT }, () => {
  it.each(mutants)("%s", async (_what, backend, misreading) => {
    const { failed } = await fc.check(withOpening(backend, misreading), { numRuns: 300, seed: 1, endOnFailure: true });
    expect(failed).toBe(true);
  });
});
