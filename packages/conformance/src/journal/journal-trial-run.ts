// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { deriveSeed, Random } from "../random.ts";
import type { JournalClause, JournalTrial } from "./journal-clause.ts";
import type { JournalFaults, JournalSubject, JournalUniverse } from "./journal-subject.ts";

/** One universe and what was opened in it; the owner of everything a body has to have closed. */
export class JournalTrialRun implements JournalTrial, AsyncDisposable {
  readonly subject: JournalSubject;
  readonly faults: JournalFaults;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly #clause: JournalClause;
  readonly #seed: number;
  readonly #universe: JournalUniverse;
  readonly #open = new Map<number, FencedJournal>();
  readonly #others: JournalTrialRun[] = [];
  #disposal: Promise<void> | undefined;

  private constructor(
    clause: JournalClause,
    subject: JournalSubject,
    universe: JournalUniverse,
    seed: number,
    signal: AbortSignal,
  ) {
    this.#clause = clause;
    this.#seed = seed;
    this.#universe = universe;
    this.subject = subject;
    this.signal = signal;
    this.random = new Random(seed);
    this.faults = this.#declaredFaults();
  }

  static async start(
    clause: JournalClause,
    subject: JournalSubject,
    seed: number,
    signal: AbortSignal,
  ): Promise<JournalTrialRun> {
    return new JournalTrialRun(clause, subject, await subject.provision(seed), seed, signal);
  }

  async open(node: number): Promise<FencedJournal> {
    const journal = await this.#universe.open(node);
    this.#open.set(node, journal);
    return journal;
  }

  async openAll(): Promise<readonly FencedJournal[]> {
    const journals: FencedJournal[] = [];
    for (let node = 0; node < this.subject.nodes; node += 1) journals.push(await this.open(node));
    return journals;
  }

  async close(journal: FencedJournal): Promise<void> {
    for (const [node, open] of this.#open) {
      if (open === journal) this.#open.delete(node);
    }
    await journal[Symbol.asyncDispose]();
  }

  async another(): Promise<JournalTrialRun> {
    const seed = deriveSeed(this.#seed, `another ${this.#others.length}`);
    const other = await JournalTrialRun.start(this.#clause, this.subject, seed, this.signal);
    this.#others.push(other);
    return other;
  }

  /** Closes what is open, then the universe, whatever fails on the way; rejects with the first failure. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const failures: unknown[] = [];
    for (const resource of [...this.#open.values(), ...this.#others, this.#universe]) {
      try {
        await resource[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Exactly the faults that the clause names, so that an undeclared one fails and is not merely untyped. */
  #declaredFaults(): JournalFaults {
    const declared: Partial<JournalFaults> = {};
    const offered = this.#universe.faults;
    for (const name of [...this.#clause.needs, ...(this.#clause.uses ?? [])]) {
      if (!this.subject.faults.includes(name)) continue;
      const fault = offered[name];
      if (fault === undefined) {
        throw new TypeError(
          `subject ${this.subject.name} lists the fault "${name}", but its universe does not have it`,
        );
      }
      if (name === "crash") declared.crash = (node) => this.#crash(node, offered);
      else Object.assign(declared, { [name]: fault.bind(offered) });
    }
    return declared as JournalFaults;
  }

  async #crash(node: number, offered: Partial<JournalFaults>): Promise<void> {
    this.#open.delete(node);
    await offered.crash?.(node);
  }
}
