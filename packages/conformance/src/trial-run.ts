// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { Clause } from "./clause.ts";
import { deriveSeed, Random } from "./random.ts";
import type { FaultName, Faults, Subject, Universe } from "./subject.ts";
import type { Reign, Trial } from "./trial.ts";
import { isLeader, Watch } from "./watch.ts";

/** One universe and what was opened in it; the owner of everything a body has to have closed. */
export class TrialRun implements Trial, AsyncDisposable {
  readonly subject: Subject;
  readonly faults: Faults;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly #clause: Clause;
  readonly #seed: number;
  readonly #universe: Universe;
  readonly #open = new Map<number, ConsensusDriver>();
  readonly #watches = new Map<Watch, ConsensusDriver>();
  readonly #others: TrialRun[] = [];
  #disposal: Promise<void> | undefined;

  private constructor(clause: Clause, subject: Subject, universe: Universe, seed: number, signal: AbortSignal) {
    this.#clause = clause;
    this.#seed = seed;
    this.#universe = universe;
    this.subject = subject;
    this.signal = signal;
    this.random = new Random(seed);
    this.faults = this.#declaredFaults();
  }

  static async start(clause: Clause, subject: Subject, seed: number, signal: AbortSignal): Promise<TrialRun> {
    const universe = await subject.provision(seed);
    return new TrialRun(clause, subject, universe, seed, signal);
  }

  async open(node: number): Promise<ConsensusDriver> {
    const driver = await this.#universe.open(node);
    this.#open.set(node, driver);
    return driver;
  }

  async openAll(): Promise<readonly ConsensusDriver[]> {
    const drivers: ConsensusDriver[] = [];
    for (let node = 0; node < this.subject.nodes; node += 1) drivers.push(await this.open(node));
    return drivers;
  }

  async close(driver: ConsensusDriver): Promise<void> {
    this.#forget(driver);
    await driver[Symbol.asyncDispose]();
  }

  watch(driver: ConsensusDriver): Watch {
    const watch = new Watch(driver, this.signal);
    this.#watches.set(watch, driver);
    return watch;
  }

  async reign(): Promise<Reign> {
    const watches = [...this.#open].map(([node, driver]) => ({ node, driver, watch: this.watch(driver) }));
    const candidates = watches.map(async ({ node, driver, watch }) => {
      const { epoch } = await watch.until(isLeader);
      return { node, driver, epoch };
    });
    try {
      return await Promise.any(candidates).catch((error: AggregateError) => Promise.reject(error.errors[0]));
    } finally {
      for (const { watch } of watches) this.#stop(watch);
    }
  }

  async reignOf(node: number, elect: Faults["elect"]): Promise<Reign> {
    await elect(node);
    const driver = this.#open.get(node);
    if (driver === undefined) throw new TypeError(`node ${node} is not open`);
    const watch = this.watch(driver);
    try {
      const { epoch } = await watch.until(isLeader);
      return { node, driver, epoch };
    } finally {
      this.#stop(watch);
    }
  }

  async another(): Promise<TrialRun> {
    const seed = deriveSeed(this.#seed, `another ${this.#others.length}`);
    const other = await TrialRun.start(this.#clause, this.subject, seed, this.signal);
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
    const attempt = async (step: () => PromiseLike<void> | undefined): Promise<void> => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const watch of this.#watches.keys()) watch.stop();
    for (const driver of this.#open.values()) await attempt(() => driver[Symbol.asyncDispose]());
    this.#open.clear();
    for (const other of this.#others) await attempt(() => other[Symbol.asyncDispose]());
    await attempt(() => this.#universe[Symbol.asyncDispose]());
    if (failures.length > 0) throw failures[0];
  }

  #stop(watch: Watch): void {
    watch.stop();
    this.#watches.delete(watch);
  }

  #forget(driver: ConsensusDriver): void {
    for (const [node, open] of this.#open) {
      if (open === driver) this.#open.delete(node);
    }
  }

  /** Exactly the faults that the clause names, so that an undeclared one fails and is not merely untyped. */
  #declaredFaults(): Faults {
    const declared: Partial<Faults> = {};
    const offered = this.#universe.faults;
    const names: readonly FaultName[] = [...this.#clause.needs, ...(this.#clause.uses ?? [])];
    for (const name of names) this.#declare(declared, name, offered);
    return declared as Faults;
  }

  #declare(declared: Partial<Faults>, name: FaultName, offered: Partial<Faults>): void {
    const needed = this.#clause.needs.includes(name);
    if (!this.subject.faults.includes(name)) return;
    if (offered[name] === undefined) {
      throw new TypeError(`subject ${this.subject.name} lists the fault "${name}", but its universe does not have it`);
    }
    if (name === "crash") declared.crash = (node) => this.#crash(node, offered);
    else Object.assign(declared, { [name]: offered[name].bind(offered) });
    if (needed && declared[name] === undefined) throw new TypeError(`the fault "${name}" is not a function`);
  }

  async #crash(node: number, offered: Partial<Faults>): Promise<void> {
    const driver = this.#open.get(node);
    for (const [watch, watched] of this.#watches) {
      if (watched === driver) watch.stop();
    }
    this.#open.delete(node);
    await offered.crash?.(node);
  }
}
