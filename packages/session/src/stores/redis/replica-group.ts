// SPDX-License-Identifier: Apache-2.0
import { JournalError, type JournalState } from "@tsoracle/consensus";
import { majority, type Timers } from "@tsoracle/quorum";
import { type Ballot, counterOf, floorOf, makeBallot } from "./ballot.ts";
import { type Deadline, unreachable } from "./group-errors.ts";
import type { ReplicaAnswer, ReplicaHead, ReplicaNode, SessionContent } from "./replica.ts";
import { stateOf } from "./session-state.ts";
import { voteRound } from "./vote-round.ts";

export interface ReplicaGroupOptions {
  readonly nodes: readonly ReplicaNode[];
  readonly timers: Timers;
  /** Of this process: no other may have the same. */
  readonly nonce: bigint;
  /** From 0 to below 1, for pauses between tries. */
  readonly chance: () => number;
}

/** Which copy is wanted: of one of these ballots, and of this revision where it is named. */
export interface WantedContent {
  readonly ballots: readonly Ballot[];
  readonly rev?: number;
}

export interface FoundContent {
  readonly rev: number;
  readonly content: SessionContent | undefined;
  /** The same for callers; undefined where there is no journal. */
  readonly state: JournalState | undefined;
}

/** Between tries that collided with another process, in milliseconds: doubled each time up to the most. */
const FIRST_PAUSE_MS = 4;
const MOST_PAUSE_MS = 120;

/** A node that is silent for one of so many parts of the time that is left is not waited for alone. */
const SHARES_OF_SILENCE = 20;

/** The nodes, and what this process has learnt of the ballots in use. */
export class ReplicaGroup {
  readonly nodes: readonly ReplicaNode[];
  readonly timers: Timers;
  readonly #options: ReplicaGroupOptions;
  /** A majority has it. */
  #floor = 0n;
  /** The greatest that some node has. */
  #heard = 0n;
  /** The greatest counter seen in any session: ballots of different sessions have nothing to do with each other. */
  #counter = 0n;
  #tags = 0;

  constructor(options: ReplicaGroupOptions) {
    this.nodes = options.nodes;
    this.timers = options.timers;
    this.#options = options;
  }

  /** A mark that no other write has. */
  nextTag(): string {
    this.#tags += 1;
    return `${this.#options.nonce.toString(36)}.${this.#tags.toString(36)}`;
  }

  /** A ballot greater than every one that was seen. No two calls get the same. */
  nextBallot(): Ballot {
    this.#counter += 1n;
    return makeBallot(this.#floor, this.#counter, this.#options.nonce);
  }

  /** Takes note of the ballots in answers. */
  learn(answers: ReadonlyMap<string, ReplicaAnswer>): void {
    for (const answer of answers.values()) {
      if (answer.kind === "floor") this.#raise(answer.floor, 0n);
      else if (answer.kind === "promised") this.#raise(floorOf(answer.ballot), counterOf(answer.ballot));
      else if (answer.kind === "head") {
        const { floor, promised } = answer.copy;
        this.#raise(floor, 0n);
        this.#raise(floorOf(promised), counterOf(promised));
      }
    }
  }

  /**
   * The content from the first of these nodes that has the wanted copy whole; undefined if none does. A damaged copy is
   * neither shown nor copied to other nodes. The nodes are asked one after another, since a copy may be large, and the next
   * one also when there is no answer for a while, since a node that stopped is found out by its silence alone.
   *
   * @throws JournalError `permanent` when every one of these nodes has a damaged copy
   */
  content(
    id: string,
    from: readonly string[],
    wanted: WantedContent,
    deadline: Deadline,
  ): Promise<FoundContent | undefined> {
    const holders = this.nodes.filter(({ label }) => from.includes(label));
    const silenceMs = deadline.leftMs() / SHARES_OF_SILENCE;
    const damages: JournalError[] = [];
    return new Promise((resolve, reject) => {
      let [asked, open, isOver] = [0, 0, false];
      let cancel = (): void => {};
      const end = (found: FoundContent | undefined): void => {
        isOver = true;
        cancel();
        const [first] = damages;
        if (found === undefined && first !== undefined && damages.length === from.length) reject(first);
        else resolve(found);
      };
      const askNext = (): void => {
        cancel();
        const node = deadline.isOver() ? undefined : holders[asked];
        if (node === undefined) {
          if (open === 0) end(undefined);
          return;
        }
        asked += 1;
        open += 1;
        cancel = this.timers.after(silenceMs, askNext);
        void this.#contentOf(id, node, wanted, deadline).then((found) => {
          open -= 1;
          if (isOver) return;
          if (found instanceof JournalError) damages.push(found);
          if (found === undefined || found instanceof JournalError) askNext();
          else end(found);
        });
      };
      askNext();
    });
  }

  /** Never rejects: a copy that is damaged is an answer, too. */
  async #contentOf(
    id: string,
    node: ReplicaNode,
    { ballots, rev }: WantedContent,
    deadline: Deadline,
  ): Promise<FoundContent | JournalError | undefined> {
    const answer = await node.ask(id, { kind: "content", ballots, rev }, deadline.leftMs());
    if (answer.kind === "broken") return new JournalError("permanent", `${node.label} ${answer.message}`);
    if (answer.kind !== "content") return undefined;
    const { content } = answer;
    try {
      const state = content === undefined ? undefined : stateOf(id, node.label, content);
      return { rev: answer.rev, content, state };
    } catch (error) {
      return JournalError.from(error);
    }
  }

  /** As {@link content}, asked at most once however often the result is called. What is damaged is not there for it. */
  contentOnce(
    id: string,
    from: readonly string[],
    wanted: WantedContent,
    deadline: Deadline,
  ): () => Promise<FoundContent | undefined> {
    let found: Promise<FoundContent | undefined> | undefined;
    return () => {
      found ??= this.content(id, from, wanted, deadline).catch(() => undefined);
      return found;
    };
  }

  /** @throws JournalError `transient` or `permanent` when too few nodes can be used, whatever anybody tries */
  demandMajority(
    what: string,
    heads: ReadonlyMap<string, ReplicaHead> | undefined,
    answers: ReadonlyMap<string, ReplicaAnswer>,
    deadline: Deadline,
  ): void {
    const n = this.nodes.length;
    if (heads !== undefined && heads.size >= majority(n)) return;
    const reasons: string[] = [];
    let lasting = 0;
    let unusable = 0;
    for (const { label } of this.nodes) {
      const answer = answers.get(label);
      // A round that is decided does not wait for the rest, and says nothing about them.
      if (answer === undefined && !deadline.isOver()) continue;
      if (answer === undefined) reasons.push(`${label} did not answer in time`);
      else if (answer.kind === "failed" || answer.kind === "broken") reasons.push(`${label} ${answer.message}`);
      else if ((answer.kind === "ok" || answer.kind === "head") && !answer.votes) {
        reasons.push(`${label} is being filled`);
      } else continue;
      unusable += 1;
      if (answer?.kind === "broken" || (answer?.kind === "failed" && answer.lasting)) lasting += 1;
    }
    if (n - unusable >= majority(n)) return;
    if (n - lasting < majority(n)) {
      throw new JournalError("permanent", `cannot ${what}: ${reasons.join("; ")}`);
    }
    throw unreachable(what, reasons.join("; "));
  }

  /** Waits a little, by chance, before another try. @throws JournalError `transient` when there is no time for one */
  async pause(deadline: Deadline, what: string, attempt = 0): Promise<void> {
    if (deadline.isOver()) throw unreachable(what, "other processes work on the same session all the time");
    const most = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
    const ms = Math.min(deadline.leftMs(), most * (0.25 + 0.75 * this.#options.chance()));
    await new Promise<void>((resolve) => void this.timers.after(ms, resolve));
  }

  /**
   * Brings the greatest floor that was heard of to a majority, so that the next ballots may have it. A readmission that
   * ended half-way may have left it on fewer nodes; the next one, which asks a majority, must hear of every floor that
   * ballots have. Resolves to whether a majority has it.
   *
   * @throws JournalError `transient` or `permanent` when too few nodes can be used
   */
  async spreadFloor(id: string, deadline: Deadline): Promise<boolean> {
    const floor = this.#heard;
    if (floor <= this.#floor) return true;
    const limitMs = deadline.leftMs();
    const ask = (node: ReplicaNode): Promise<ReplicaAnswer> => node.ask(id, { kind: "floor", floor }, limitMs);
    const { ok, answers } = await voteRound(this.nodes, ask, limitMs, this.timers);
    if (ok && floor > this.#floor) this.#floor = floor;
    if (!ok) this.demandMajority("lead", undefined, answers, deadline);
    return ok;
  }

  #raise(floor: bigint, counter: bigint): void {
    if (floor > this.#heard) this.#heard = floor;
    if (counter > this.#counter) this.#counter = counter;
  }
}
