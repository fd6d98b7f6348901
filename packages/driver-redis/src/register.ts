// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { majority, type Timers } from "@tsoracle/quorum";
import type { Ballot } from "./ballot.ts";
import { PERSIST, PREPARE, RELEASE, STATUS } from "./lua.ts";
import { type NodeFacts, runIdOf } from "./node-facts.ts";
import type { NodeFailure, PersistOutcome, PrepareOutcome, ReleaseOutcome, StatusOutcome } from "./node-outcome.ts";
import { quorumRead } from "./quorum-read.ts";
import type { RedisNode } from "./redis-node.ts";
import { readPersist, readPrepare, readRelease, readStatus } from "./replies.ts";
import { type Verdict, VoteCount } from "./vote-count.ts";

/** Whose writes they are. */
export interface Holder {
  /** Of the process: 16 hex digits. */
  readonly id: string;
  /** Where clients reach it. */
  readonly endpoint: string;
}

export interface RegisterTiming {
  /** How long a round waits for nodes, in milliseconds. */
  readonly opTimeoutMs: number;
  /** How long it waits, as a part of that, for a node that is not connected. */
  readonly connectMs: number;
  readonly timers: Timers;
}

/**
 * Whom a round waits for: `majority`, until there is a verdict; `everybody`, once the verdict is that it is met, until each
 * node that could be asked has answered too, or the time of a round is over.
 */
export type Awaited = "majority" | "everybody";

/** How a round ended, with the answers there were by then. Nodes that are slower still get the write. */
export interface Round<T> {
  readonly verdict: Verdict;
  readonly answers: ReadonlyMap<string, T>;
}

type Answer = { readonly kind: string; readonly promised?: Ballot } | NodeFailure;

/** The n nodes as one register: what is sent to each, and how rounds are counted. */
export class Register {
  readonly nodes: readonly RedisNode[];
  readonly members: readonly string[];
  readonly majority: number;
  readonly holder: Holder;
  readonly #opTimeoutMs: number;
  readonly #connectMs: number;
  readonly #timers: Timers;

  constructor(nodes: readonly RedisNode[], holder: Holder, timing: RegisterTiming) {
    this.nodes = nodes;
    this.members = nodes.map(({ label }) => label);
    this.majority = majority(nodes.length);
    this.holder = holder;
    this.#opTimeoutMs = timing.opTimeoutMs;
    this.#connectMs = timing.connectMs;
    this.#timers = timing.timers;
  }

  /** @param patienceMs how long to wait for a connection before giving up on the node */
  async status(node: RedisNode, patienceMs: number = this.#connectMs): Promise<StatusOutcome> {
    const reply = await node.run(STATUS, (facts) => identity(facts), patienceMs);
    return heard(node, reply.kind === "reply" ? readStatus(reply.reply) : reply);
  }

  async prepare(node: RedisNode, epoch: Ballot): Promise<PrepareOutcome> {
    const { id, endpoint } = this.holder;
    const args = (facts: NodeFacts): readonly string[] => [...identity(facts), epoch, id, endpoint];
    const reply = await node.run(PREPARE, args, this.#connectMs);
    return heard(node, reply.kind === "reply" ? readPrepare(reply.reply) : reply);
  }

  async persist(node: RedisNode, epoch: Ballot, highWater: number): Promise<PersistOutcome> {
    const { id, endpoint } = this.holder;
    const args = (facts: NodeFacts): readonly string[] => [...identity(facts), epoch, id, endpoint, String(highWater)];
    const reply = await node.run(PERSIST, args, this.#connectMs);
    return heard(node, reply.kind === "reply" ? readPersist(reply.reply) : reply);
  }

  async release(node: RedisNode, epoch: Ballot, clean: boolean): Promise<ReleaseOutcome> {
    const args = (facts: NodeFacts): readonly string[] => [
      ...identity(facts),
      epoch,
      this.holder.id,
      clean ? "1" : "0",
    ];
    const reply = await node.run(RELEASE, args, 0);
    return heard(node, reply.kind === "reply" ? readRelease(reply.reply) : reply);
  }

  /**
   * Sends to every node and resolves as soon as there is a verdict, at the latest after the time of a round. It never
   * rejects, and what was sent is not taken back.
   */
  round<T extends Answer>(
    what: string,
    send: (node: RedisNode) => Promise<T>,
    awaited: Awaited = "majority",
  ): Promise<Round<T>> {
    return new Promise((resolve) => {
      const count = new VoteCount(this.members);
      const answers = new Map<string, T>();
      let isTimeUp = false;
      const conclude = (): void => {
        const verdict = count.verdict(what);
        if (verdict === undefined) return;
        const isComplete = isTimeUp || answers.size === this.nodes.length;
        if (verdict.kind === "met" && awaited === "everybody" && !isComplete) return;
        cancel();
        resolve({ verdict, answers: new Map(answers) });
      };
      const cancel = this.#timers.after(this.#opTimeoutMs, () => {
        isTimeUp = true;
        count.expire();
        conclude();
      });
      for (const node of this.nodes) {
        void send(node).then((answer) => {
          answers.set(node.label, answer);
          count.record(node.label, answer);
          conclude();
        });
      }
    });
  }

  /**
   * The high-water as anybody may read it, without writing: see {@link quorumRead}. Reads again while a write is on
   * its way to some nodes.
   *
   * @param settleMs how long such a write may take
   * @throws ConsensusError `transient` or `permanent`
   */
  async read(settleMs: number = 4 * this.#opTimeoutMs): Promise<number> {
    const deadline = this.#timers.monotonicMs() + settleMs;
    for (;;) {
      const { highWater, verdict } = await this.#readOnce();
      if (highWater !== undefined) return highWater;
      if (verdict?.kind === "refused") {
        const { code, message } = verdict.error;
        throw new ConsensusError(code === "permanent" ? code : "transient", message.replace(/^\[\w+\] /, ""));
      }
      if (this.#timers.monotonicMs() > deadline) {
        throw new ConsensusError(
          "transient",
          "the nodes that answer disagree on the high-water, and no leader has settled it yet",
        );
      }
    }
  }

  #readOnce(): Promise<{ readonly highWater?: number; readonly verdict?: Verdict | undefined }> {
    return new Promise((resolve) => {
      const n = this.members.length;
      const count = new VoteCount(this.members);
      const heard: number[] = [];
      let left = n;
      const finish = (): void => {
        cancel();
        resolve({ verdict: count.verdict("STATUS") });
      };
      const cancel = this.#timers.after(this.#opTimeoutMs, () => {
        count.expire();
        finish();
      });
      for (const node of this.nodes) {
        void this.status(node).then((answer) => {
          left -= 1;
          count.record(node.label, answer);
          if (answer.kind === "ok") heard.push(answer.highWater);
          const read = quorumRead(heard, n);
          if (read.kind === "known") {
            cancel();
            resolve({ highWater: read.highWater });
          } else if (left === 0) finish();
        });
      }
    });
  }

  close(): void {
    for (const node of this.nodes) node.close();
  }
}

function heard<T extends { readonly kind: string }>(node: RedisNode, answer: T): T {
  node.heard(answer);
  return answer;
}

/** Which node this must be, checked by every script, and which run of it, where restarts are not trusted. */
function identity(facts: NodeFacts): readonly [string, string, string] {
  const { register } = facts;
  const runId = register?.trustRestart === "never" ? runIdOf(facts) : "";
  return [register?.clusterId ?? "", register?.nodeId ?? "", runId];
}
