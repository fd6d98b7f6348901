// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tsoracle/conformance";
import type { Timers } from "@tsoracle/quorum";
import type { AdmissibleNode } from "../../../../src/stores/redis/admission.ts";
import type { ReplicaAnswer, ReplicaRequest } from "../../../../src/stores/redis/replica.ts";
import { ModelNode, type NodeRules } from "./model-node.ts";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that passes only when nothing is left to do at the present moment. */
export class World implements Timers {
  readonly random: Random;
  readonly nodes: readonly ModelNode[];
  readonly down = new Set<number>();
  /** One message in this many is lost; 0 for none. */
  lossy = 0;
  #events: Event[] = [];
  #now = 0;
  #order = 0;

  constructor(random: Random, count: number, rules: NodeRules) {
    this.random = random;
    this.nodes = Array.from({ length: count }, () => new ModelNode(rules));
  }

  monotonicMs(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    this.#order += 1;
    const event = { at: this.#now + Math.max(0, ms), order: this.#order, run };
    this.#events.push(event);
    return () => {
      this.#events = this.#events.filter((other) => other !== event);
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Lets time pass until `work` has settled. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const settled = work.finally(() => {
      isOver = true;
    });
    settled.catch(() => {});
    for (;;) {
      // Whatever follows from the last event without waiting has happened by the next turn of the real loop.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (isOver) return await settled;
      const next = this.#events.reduce<Event | undefined>(
        (first, event) =>
          first === undefined || event.at < first.at || (event.at === first.at && event.order < first.order)
            ? event
            : first,
        undefined,
      );
      if (next === undefined) throw new Error("everybody waits and nothing is under way");
      this.#events = this.#events.filter((event) => event !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
  }

  /** How one process sees the nodes: requests and replies take time, in any order, and get lost. */
  views(): readonly AdmissibleNode[] {
    return this.nodes.map((node, index) => ({
      label: `n${index}`,
      ask: (id, request, limitMs) => this.#exchange(index, id, request, limitMs),
      floor: () => this.#remote(index, () => node.floor, undefined),
      raiseFloor: (floor) => this.#remote(index, () => node.raiseFloor(floor), false),
      sessions: async () => {
        const found = await this.#remote(index, () => node.sessions(), undefined);
        if (found === undefined) throw new Error("the list did not come");
        return found;
      },
      begin: (floor, admission) => this.#remote(index, () => node.begin(floor, admission), false),
      goesOn: (admission) => this.#remote(index, () => node.goesOn(admission), true),
      giveUp: async () => {},
      finish: (admission, floor) => this.#remote(index, () => node.finish(admission, floor), false),
    }));
  }

  #exchange(index: number, id: string, request: ReplicaRequest, limitMs: number): Promise<ReplicaAnswer> {
    const late: ReplicaAnswer = { kind: "failed", mayHaveRun: true, lasting: false, message: "did not answer in time" };
    return new Promise((resolve) => {
      this.after(limitMs, () => resolve(late));
      if (this.#isLost()) return;
      this.after(this.#delay(), () => {
        if (this.down.has(index)) return;
        const answer = this.nodes[index]?.answer(id, request);
        if (answer !== undefined && !this.#isLost()) this.after(this.#delay(), () => resolve(answer));
      });
    });
  }

  async #remote<T>(index: number, work: () => T, lost: T): Promise<T> {
    await this.sleep(this.#delay());
    const answer = this.down.has(index) || this.#isLost() ? lost : work();
    await this.sleep(this.#delay());
    return this.#isLost() ? lost : answer;
  }

  #isLost(): boolean {
    return this.lossy > 0 && this.random.oneIn(this.lossy);
  }

  /** Mostly short; now and then a message is overtaken by many others. */
  #delay(): number {
    return this.random.oneIn(12) ? this.random.below(400) : 1 + this.random.below(6);
  }
}
