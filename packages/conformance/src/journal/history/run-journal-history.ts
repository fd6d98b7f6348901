// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { FencedJournal, JournalRecord, JournalState } from "@tsoracle/consensus";
import { pause, type Settled, settle } from "../../probes.ts";
import type { JournalTrial } from "../journal-clause.ts";
import { bytes, fence, journalCodeOf } from "../journal-probes.ts";
import { Beliefs } from "./beliefs.ts";
import { type ModelJournal, type ModelWrite, showModel } from "./journal-model.ts";
import { type JournalStep, type StepFence, showJournalStep } from "./journal-step.ts";

export type JournalHistoryTrial = JournalTrial<never, "crash" | "loseReply">;

/** Carries out a history and compares every answer with all that the model holds possible. */
export async function runJournalHistory(trial: JournalHistoryTrial, history: readonly JournalStep[]): Promise<void> {
  const run = new HistoryRun(trial, [...(await trial.openAll())]);
  for (const step of history) await run.step(step);
  for (const id of ["s", "t"]) await run.step({ kind: "load", id, node: 0 });
}

class HistoryRun {
  readonly #trial: JournalHistoryTrial;
  readonly #journals: FencedJournal[];
  readonly #beliefs = new Beliefs();
  #turn = 0;

  constructor(trial: JournalHistoryTrial, journals: FencedJournal[]) {
    this.#trial = trial;
    this.#journals = journals;
  }

  /** Carries out one step; an assertion that it fails names it. */
  async step(step: JournalStep): Promise<void> {
    try {
      await this.#carryOut(step);
    } catch (error) {
      if (!(error instanceof assert.AssertionError) || error.message.startsWith("at ")) throw error;
      throw new assert.AssertionError({ message: `at "${showJournalStep(step)}": ${error.message.trim()}` });
    }
  }

  async #carryOut(step: JournalStep): Promise<void> {
    switch (step.kind) {
      case "load":
        await this.#load(step.id, step.node);
        break;
      case "reopen":
        await this.#trial.close(this.#journal(step.node));
        this.#journals[step.node] = await this.#trial.open(step.node);
        break;
      case "crash":
        if (this.#trial.faults.crash === undefined) break;
        await this.#trial.faults.crash(step.node);
        this.#journals[step.node] = await this.#trial.open(step.node);
        break;
      case "lose":
        // On the node that makes the next write.
        await this.#trial.faults.loseReply?.(this.#turn % this.#journals.length);
        break;
      case "create":
      case "takeover":
      case "append":
      case "snapshot":
      case "ahead":
      case "truncate":
        await this.#write(step);
        break;
      default:
        step satisfies never;
    }
  }

  async #load(id: string, node: number): Promise<void> {
    const settled = await this.#trusted(node, (journal) => journal.load(id));
    const seen = settled.ok ? showState(settled.value) : `rejected as ${journalCodeOf(settled.error)}`;
    this.#beliefs.saw(id, seen, (journal) =>
      journal === undefined ? "rejected as unknown_session" : showModel(journal),
    );
  }

  async #write(step: Exclude<JournalStep, { readonly node: number }>): Promise<void> {
    const write = resolve(step, this.#beliefs.likely(step.id));
    const node = this.#turn % this.#journals.length;
    this.#turn += 1;
    const settled = await this.#trusted(node, (journal) => perform(journal, write));
    if (settled.ok) this.#beliefs.resolved(write, settled.value);
    else if (journalCodeOf(settled.error) === "uncertain") this.#beliefs.uncertain(write);
    else this.#beliefs.refused(write, String(journalCodeOf(settled.error) ?? settled.error));
  }

  /** Makes a call, again while nothing can be written, and on a node that trusts its store. */
  async #trusted<T>(node: number, call: (journal: FencedJournal) => Promise<T>): Promise<Settled<T>> {
    let reopened = false;
    for (;;) {
      const settled = await settle(call(this.#journal(node)));
      const code = settled.ok ? undefined : journalCodeOf(settled.error);
      if (code === "permanent" && this.#beliefs.doubtful && !reopened) {
        // After a write in doubt a store may refuse everything until it is opened again.
        await this.#trial.close(this.#journal(node));
        this.#journals[node] = await this.#trial.open(node);
        reopened = true;
      } else if (code === "transient") await pause(this.#trial.signal);
      else return settled;
    }
  }

  #journal(node: number): FencedJournal {
    const journal = this.#journals[node];
    assert.ok(journal !== undefined, `node ${node} is open`);
    return journal;
  }
}

/** The write that a step means, by what the model believes. */
function resolve(step: Exclude<JournalStep, { readonly node: number }>, found: ModelJournal | undefined): ModelWrite {
  const { kind, id } = step;
  const { epoch, owner } = fenceOf(step.fence, found);
  const text = "text" in step ? step.text : undefined;
  const base = { kind, id, epoch, owner, text };
  const next = found?.next ?? 1;
  switch (step.kind) {
    case "create":
      return { ...base, seq: 0 };
    case "takeover":
      return { ...base, epoch: epoch + step.by, seq: 0 };
    case "append":
      return { ...base, seq: Math.max(1, next + step.by) };
    case "snapshot":
      return { ...base, seq: Math.max(0, next - 1 + step.by) };
    case "ahead":
      return { ...base, seq: Math.max(0, next + step.by) };
    case "truncate":
      return { ...base, seq: Math.max(0, (found?.snapshotSeq ?? 1) + step.by) };
    default:
      return step satisfies never;
  }
}

function fenceOf(of: StepFence, found: ModelJournal | undefined): { readonly epoch: number; readonly owner: string } {
  return of === "owner" ? (found ?? { epoch: 1, owner: "a" }) : of;
}

/** Resolves to whether a journal was created, where that is asked. */
async function perform(journal: FencedJournal, write: ModelWrite): Promise<boolean | undefined> {
  const { kind, id, seq, text = "" } = write;
  const by = fence(BigInt(write.epoch), write.owner);
  switch (kind) {
    case "create":
      return (await journal.createIfAbsent(id, by, write.text === undefined ? {} : { snapshot: bytes(text) })).created;
    case "takeover":
      await journal.takeover(id, by);
      return undefined;
    case "append":
      await journal.append(id, by, seq, bytes(text), BigInt(seq));
      return undefined;
    case "snapshot":
    case "ahead":
      await journal.putSnapshot(id, by, seq, bytes(text), { ahead: kind === "ahead" });
      return undefined;
    case "truncate":
      await journal.truncateThrough(id, by, seq);
      return undefined;
    default:
      return kind satisfies never;
  }
}

function showState(state: JournalState): string {
  const { fence: owner, nextSeq, firstSeq, snapshot } = state;
  const record = (one: Omit<JournalRecord, "entry" | "ts">, value: Uint8Array): string =>
    `${one.seq}:${one.epoch}:${one.owner}:${new TextDecoder().decode(value)}`;
  const shown = snapshot === undefined ? "none" : record(snapshot, snapshot.bytes);
  const entries = state.entries.map((entry) => record(entry, entry.entry)).join(" ");
  return `${owner.owner}@${owner.epoch} next ${nextSeq} first ${firstSeq} snapshot ${shown} entries ${entries}`;
}
