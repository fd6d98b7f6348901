// SPDX-License-Identifier: Apache-2.0
import type { FaultControls } from "../fault-controls.ts";
import { FaultGate, type GateTerms } from "../fault-gate.ts";
import type { FaultyOptions } from "../faulty.ts";
import type { FencedJournal } from "./fenced-journal.ts";
import { JournalError, type JournalErrorCode } from "./journal-error.ts";

/** The calls of a journal that faults can strike. */
export type JournalMethod = "load" | "createIfAbsent" | "takeover" | "append" | "putSnapshot" | "truncateThrough";

/** A journal with faults that a test controls. */
export interface FaultyJournal extends FencedJournal {
  readonly faults: FaultControls<JournalMethod, JournalErrorCode>;
}

const terms: GateTerms<JournalMethod, JournalErrorCode> = {
  methods: {
    load: "read",
    createIfAbsent: "write",
    takeover: "write",
    append: "write",
    putSnapshot: "write",
    truncateThrough: "write",
  },
  error: (code, message) => new JournalError(code, message),
};

/** Wraps any journal; the wrapper owns it and disposes it. */
export function faultyJournal(journal: FencedJournal, options: FaultyOptions = {}): FaultyJournal {
  const gate = new FaultGate(terms, options.callTimeoutMs ?? 1_000);
  return {
    name: journal.name,
    limits: journal.limits,
    faults: gate,
    load: (id, call) => gate.pass("load", call, (passed) => journal.load(id, passed)),
    createIfAbsent: (id, fence, call) =>
      gate.pass("createIfAbsent", call, (passed) =>
        journal.createIfAbsent(id, fence, { snapshot: call?.snapshot, signal: passed?.signal }),
      ),
    takeover: (id, fence, call) =>
      gate.pass("takeover", call, (passed) =>
        journal.takeover(id, fence, { from: call?.from, signal: passed?.signal }),
      ),
    append: (id, fence, seq, entry, ts, call) => {
      // A held call belongs to the store: what the caller does to its array meanwhile is not in it.
      const held = entry instanceof Uint8Array ? Uint8Array.from(entry) : entry;
      return gate.pass("append", call, (passed) => journal.append(id, fence, seq, held, ts, passed));
    },
    putSnapshot: (id, fence, seq, bytes, call) => {
      const held = bytes instanceof Uint8Array ? Uint8Array.from(bytes) : bytes;
      return gate.pass("putSnapshot", call, (passed) =>
        journal.putSnapshot(id, fence, seq, held, { ahead: call?.ahead, signal: passed?.signal }),
      );
    },
    truncateThrough: (id, fence, seq, call) =>
      gate.pass("truncateThrough", call, (passed) => journal.truncateThrough(id, fence, seq, passed)),
    [Symbol.asyncDispose]: async () => {
      gate.close();
      await journal[Symbol.asyncDispose]();
    },
  };
}
