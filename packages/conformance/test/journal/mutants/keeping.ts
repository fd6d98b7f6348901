// SPDX-License-Identifier: Apache-2.0
// Journals that forget, tell, or answer wrongly.
import { JournalError, type JournalState } from "@tsoracle/consensus";
import type { JournalSubject, JournalUniverse } from "../../../src/index.ts";
import { journalCodeOf } from "../../../src/journal/journal-probes.ts";
import { MemoryJournalUniverse } from "../memory-journal-subject.ts";
import { RuleStore, sameFence } from "../rule-store.ts";
import {
  alteredJournal,
  type JournalMutant,
  journalMutant,
  mediumSubject,
  ruleStore,
  throughAll,
  wrapping,
} from "./journal-mutant.ts";

/** Universes that are alive together share one store. */
function sharedUniverses(): JournalSubject {
  const subject = mediumSubject({ subject: { name: "shared-store" } });
  let alive = 0;
  let shared = new RuleStore();
  return {
    ...subject,
    faults: [],
    waivers: {
      crash: "not here",
      loseReply: "not here",
      stall: "not here",
      partition: "not here",
      tornTail: "not here",
      corrupt: "not here",
    },
    provision: async (): Promise<JournalUniverse> => {
      if (alive === 0) shared = new RuleStore();
      alive += 1;
      const universe = new MemoryJournalUniverse({ makeStore: () => shared });
      return {
        faults: {},
        open: (node) => universe.open(node),
        [Symbol.asyncDispose]: async () => {
          alive -= 1;
          await universe[Symbol.asyncDispose]();
        },
      };
    },
  };
}

function isUncertain(error: unknown): boolean {
  return journalCodeOf(error) === "uncertain";
}

export const keepingMutants: readonly JournalMutant[] = [
  {
    name: "shared-store",
    mistake: "The harness gives two universes one store.",
    breaks: ["journal.universes"],
    subject: sharedUniverses(),
  },
  journalMutant(
    "always-created",
    "Whoever calls is told that it made the journal.",
    ["journal.create", "journal.history"],
    {
      ...wrapping((journal) => ({
        createIfAbsent: async (...args) => ({ ...(await journal.createIfAbsent(...args)), created: true }),
      })),
    },
  ),
  journalMutant(
    "makes-up",
    "A session that is not there is an empty one.",
    ["journal.unknown", "journal.bounds", "journal.cancel-before", "journal.history"],
    {
      ...wrapping((journal) => ({
        load: (id, options) =>
          journal.load(id, options).catch((error: unknown): JournalState => {
            if (journalCodeOf(error) !== "unknown_session") throw error;
            return { fence: { epoch: 0n, owner: "nobody" }, nextSeq: 1, firstSeq: 1, entries: [] };
          }),
      })),
    },
  ),
  journalMutant("cached-load", "A node but the first remembers what it loaded.", ["journal.load", "journal.history"], {
    ...wrapping((journal, { node }) => {
      const seen = new Map<string, JournalState>();
      return {
        load: async (id, options) => {
          if (node === 0) return await journal.load(id, options);
          const state = seen.get(id) ?? (await journal.load(id, options));
          seen.set(id, state);
          return state;
        },
      };
    }),
  }),
  journalMutant("cuts-names", "A name that is too long is cut.", ["journal.arguments"], {
    rules: { id: (id) => (typeof id === "string" && id.length > 512 ? id.slice(0, 512) : id) },
  }),
  journalMutant(
    "checks-on-arrival",
    "A write is checked when it is called and not when it is written.",
    ["journal.late"],
    {
      // The held write must still be waiting when the takeover is over, however busy the machine is.
      stallTimeoutMs: 1_000,
      ...wrapping((journal, { world }) => ({
        append: async (id, fence, seq, entry, ts, options) => {
          // The bytes are the caller's again before this has looked at the owner.
          const given = entry instanceof Uint8Array ? Uint8Array.from(entry) : entry;
          const direct = world.store.open();
          const before = await direct.load(id).catch(() => undefined);
          try {
            await journal.append(id, fence, seq, given, ts, options);
          } catch (error) {
            const owned = before !== undefined && sameFence(before.fence, fence);
            if (!owned || journalCodeOf(error) !== "fenced") throw error;
            await direct.append(id, (await direct.load(id)).fence, seq, given, ts);
          }
        },
      })),
    },
  ),
  journalMutant("loses-the-last", "A crash takes the last write along.", ["journal.durable", "journal.history"], {
    faults: (world) => ({ crash: async () => ruleStore(world).loseLast() }),
  }),
  journalMutant(
    "forgets-on-close",
    "The last write is dropped when the journal is disposed.",
    ["journal.reopen", "journal.torn", "journal.rot", "journal.closed", "journal.history"],
    {
      ...wrapping((journal, { world }) => ({
        [Symbol.asyncDispose]: async () => {
          await journal[Symbol.asyncDispose]();
          ruleStore(world).loseLast();
        },
      })),
    },
  ),
  journalMutant("tears-too-much", "The repair of a torn tail removes the entry before it.", ["journal.torn"], {
    faults: (world) => ({ tornTail: async () => ruleStore(world).loseLast() }),
  }),
  journalMutant("serves-rot", "Damage is not noticed.", ["journal.rot"], { rules: { noticesDamage: false } }),
  journalMutant(
    "optimist",
    "No answer is taken for a good one.",
    ["journal.lost-reply", "journal.bounded", "journal.partition"],
    {
      wrap: (journal) =>
        alteredJournal(journal, {
          append: (...args) =>
            journal.append(...args).catch((error: unknown) => {
              if (!isUncertain(error)) throw error;
            }),
        }),
    },
  ),
  journalMutant(
    "tries-again",
    "An append without an answer is made again, with the next number.",
    ["journal.lost-reply", "journal.history"],
    {
      ...wrapping((journal, { world }) => ({
        append: async (id, fence, seq, entry, ts, options) => {
          try {
            await journal.append(id, fence, seq, entry, ts, options);
          } catch (error) {
            if (!isUncertain(error)) throw error;
            const direct = world.store.open();
            await direct.append(id, fence, (await direct.load(id)).nextSeq, entry, ts);
            throw error;
          }
        },
      })),
    },
  ),
  journalMutant(
    "deaf-before",
    "A signal that is aborted already is looked at after the write.",
    ["journal.cancel-before"],
    {
      ...wrapping((journal) => ({
        append: async (id, fence, seq, entry, ts, options) => {
          const { signal } = options ?? {};
          if (signal?.aborted !== true) return await journal.append(id, fence, seq, entry, ts, options);
          await journal.append(id, fence, seq, entry, ts);
          throw signal.reason;
        },
      })),
    },
  ),
  journalMutant(
    "deaf-in-flight",
    "A call does not end when its signal is aborted in flight.",
    ["journal.cancel-in-flight"],
    {
      ...wrapping((journal) => ({
        append: (id, fence, seq, entry, ts, options) =>
          journal.append(id, fence, seq, entry, ts, options?.signal?.aborted === true ? options : undefined),
      })),
    },
  ),
  journalMutant(
    "hangs-when-stalled",
    "A call to a store that stalls waits for ever.",
    ["journal.bounded", "journal.dispose-settles"],
    {
      subject: { callTimeoutMs: 500 },
      ...hanging("stall"),
    },
  ),
  journalMutant("hangs-when-cut-off", "A call of a node that is cut off waits for ever.", ["journal.partition"], {
    subject: { callTimeoutMs: 500 },
    ...hanging("partition"),
  }),
  journalMutant("answers-after-disposal", "A disposed journal goes on.", ["journal.closed"], {
    ...wrapping((journal, { world }) => {
      let other: ReturnType<typeof world.store.open> | undefined;
      return {
        load: (...args) => (other ?? journal).load(...args),
        [Symbol.asyncDispose]: async () => {
          await journal[Symbol.asyncDispose]();
          other = world.store.open();
        },
      };
    }),
  }),
  journalMutant("second-disposal-throws", "A second disposal rejects.", ["journal.dispose-idempotent"], {
    ...wrapping((journal) => {
      let disposed = false;
      return {
        [Symbol.asyncDispose]: async () => {
          if (disposed) throw new JournalError("closed", "disposed already");
          disposed = true;
          await journal[Symbol.asyncDispose]();
        },
      };
    }),
  }),
  journalMutant("hasty-disposal", "Disposal does not wait for what is under way.", ["journal.dispose-settles"], {
    wrap: (journal) => {
      const slow = throughAll(journal, async (call) => {
        try {
          return await call();
        } finally {
          for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
        }
      });
      return alteredJournal(slow, { [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose]() });
    },
  }),
  journalMutant("no-lock", "A second process may open the store.", ["journal.exclusive"], {
    subject: { nodes: 1, exclusive: true },
  }),
];

/** While the fault lasts, what would reject as uncertain does not end. */
function hanging(fault: "stall" | "partition"): Parameters<typeof journalMutant>[3] {
  return {
    faults: (world) => ({
      [fault]: async (node: number) => {
        const release = world.inner(node).faults.stall(fault === "stall" ? "writes" : "all");
        let end: () => void = () => {};
        world.memory.set("over", new Promise<void>((resolve) => (end = resolve)));
        return () => {
          world.memory.delete("over");
          release();
          end();
        };
      },
    }),
    wrap: (journal, { world }) =>
      throughAll(journal, async (call) => {
        try {
          return await call();
        } catch (error) {
          if (isUncertain(error)) await world.memory.get("over");
          throw error;
        }
      }),
  };
}
