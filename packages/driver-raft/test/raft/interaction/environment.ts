// SPDX-License-Identifier: Apache-2.0
import { describeEntries, describeMessage, describeReady } from "../../../src/raft/describe.ts";
import {
  emptySnapshot,
  LocalAppendThread,
  LocalApplyThread,
  type Message,
  type MessageType,
  type NodeId,
} from "../../../src/raft/types.ts";
import { Output } from "./output.ts";
import type { SimulatedNode } from "./simulated-node.ts";

export interface Recipient {
  readonly id: NodeId;
  readonly drop: boolean;
}

/** A chance that a scenario must not depend on: it is replayed with the lowest and with the highest draw. */
export type Draw = (exclusiveBound: number) => number;

/** The group of nodes that one scenario file drives, with the messages under way. */
export class Environment {
  readonly nodes: SimulatedNode[] = [];
  readonly output = new Output();
  readonly draw: Draw;
  #messages: Message[] = [];

  constructor(draw: Draw) {
    this.draw = draw;
  }

  /** @throws Error if there is no such node. */
  node(id: NodeId): SimulatedNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`node index ${id - 1} out of range [0, ${this.nodes.length})`);
    return node;
  }

  queue(messages: readonly Message[]): void {
    this.#messages.push(...messages);
  }

  /** Takes one Ready and does what it says, or gives it to the node's threads. Returns an error to be printed. */
  processReady(id: NodeId): string | undefined {
    const node = this.node(id);
    const async = node.config.asyncStorageWrites ?? false;
    const ready = node.raw.ready();
    this.output.write(describeReady(ready));
    if (!async) {
      const error = node.append(ready.hardState, ready.entries, ready.snapshot);
      if (error !== undefined) return error;
      node.apply(ready.committedEntries);
    }
    for (const m of ready.messages) {
      if (m.to === LocalAppendThread) node.appendWork.push(m);
      else if (m.to === LocalApplyThread) node.applyWork.push(m);
      else this.#messages.push(m);
    }
    if (!async) node.raw.advance();
    return undefined;
  }

  /** Does one piece of work of the node's append thread. */
  processAppendThread(id: NodeId): string | undefined {
    const node = this.node(id);
    const work = node.appendWork.shift();
    if (work === undefined) {
      this.output.write("no append work to perform");
      return undefined;
    }
    return this.#thread(work, () =>
      node.append(
        { term: work.term, vote: work.vote, commit: work.commit },
        work.entries,
        work.snapshot ?? emptySnapshot,
      ),
    );
  }

  /** Does one piece of work of the node's apply thread. */
  processApplyThread(id: NodeId): string | undefined {
    const node = this.node(id);
    const work = node.applyWork.shift();
    if (work === undefined) {
      this.output.write("no apply work to perform");
      return undefined;
    }
    return this.#thread(work, () => {
      node.apply(work.entries);
      return undefined;
    });
  }

  #thread(work: Message, perform: () => string | undefined): string | undefined {
    this.output.line("Processing:");
    this.output.line(describeMessage({ ...work, responses: [] }));
    const error = perform();
    if (error !== undefined) return error;
    this.output.line("Responses:");
    for (const m of work.responses) this.output.line(describeMessage(m));
    this.#messages.push(...work.responses);
    return undefined;
  }

  /** Delivers, or drops, what is under way to each recipient, in order. Returns how many messages that were. */
  deliver(type: MessageType | undefined, recipients: readonly Recipient[]): number {
    let count = 0;
    for (const { id, drop } of recipients) {
      const [theirs, others] = this.#split(id, type, drop);
      this.#messages = others;
      count += theirs.length;
      for (const m of theirs) {
        this.output.line(`${drop ? "dropped: " : ""}${describeMessage(m)}`);
        if (drop) continue;
        const error = this.node(id).raw.step(m);
        if (error !== undefined) this.output.line(error.message);
      }
    }
    return count;
  }

  #split(to: NodeId, type: MessageType | undefined, drop: boolean): [Message[], Message[]] {
    const theirs: Message[] = [];
    const others: Message[] = [];
    for (const m of this.#messages) {
      // What a node says to itself, or its threads to it, is not lost on a network.
      const reliable = m.from === m.to || m.from === LocalAppendThread || m.from === LocalApplyThread;
      const matches = m.to === to && !(drop && reliable) && (type === undefined || m.type === type);
      (matches ? theirs : others).push(m);
    }
    return [theirs, others];
  }

  /** Lets the nodes work and talk until nothing is left to do. */
  stabilize(ids: readonly NodeId[]): string | undefined {
    const nodes = ids.length > 0 ? ids : this.nodes.map((node) => node.raw.id);
    for (;;) {
      const progress = [
        this.#each(nodes, (id) => this.#ready(id)),
        this.#each(nodes, (id) => this.#receive(id)),
        this.#each(nodes, (id) =>
          this.#work(id, "append thread", this.node(id).appendWork, () => this.processAppendThread(id)),
        ),
        this.#each(nodes, (id) =>
          this.#work(id, "apply thread", this.node(id).applyWork, () => this.processApplyThread(id)),
        ),
      ];
      const error = progress.find((outcome) => typeof outcome === "string");
      if (typeof error === "string") return error;
      if (!progress.includes(true)) return undefined;
    }
  }

  #each(ids: readonly NodeId[], run: (id: NodeId) => boolean | string): boolean | string {
    let any = false;
    for (const id of ids) {
      const outcome = run(id);
      if (typeof outcome === "string") return outcome;
      any ||= outcome;
    }
    return any;
  }

  #ready(id: NodeId): boolean | string {
    if (!this.node(id).raw.hasReady()) return false;
    this.output.line(`> ${id} handling Ready`);
    return this.output.indented(() => this.processReady(id)) ?? true;
  }

  #receive(id: NodeId): boolean {
    if (!this.#messages.some((m) => m.to === id)) return false;
    this.output.line(`> ${id} receiving messages`);
    this.output.indented(() => this.deliver(undefined, [{ id, drop: false }]));
    return true;
  }

  #work(id: NodeId, thread: string, work: readonly Message[], perform: () => string | undefined): boolean | string {
    if (work.length === 0) return false;
    this.output.line(`> ${id} processing ${thread}`);
    while (work.length > 0) {
      const error = this.output.indented(perform);
      if (error !== undefined) return error;
    }
    return true;
  }

  /** Prints what the node's storage holds. */
  printLog(id: NodeId): void {
    const { storage } = this.node(id);
    const first = storage.firstIndex();
    const last = storage.lastIndex();
    if (last < first) {
      this.output.write(`log is empty: first index=${first}, last index=${last}`);
      return;
    }
    const entries = storage.entries(first, last + 1, Number.POSITIVE_INFINITY);
    if ("code" in entries) throw new Error(entries.message);
    this.output.write(describeEntries(entries));
  }
}
