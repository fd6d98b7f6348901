// SPDX-License-Identifier: Apache-2.0
import { JournalError, type JournalState } from "@tsoracle/consensus";
import { majority } from "@tsoracle/quorum";
import { type Ballot, compareCopies } from "./ballot.ts";
import { CatchUp } from "./catch-up.ts";
import { tellDamage, wholeKnown } from "./damage.ts";
import { type Deadline, uncertainAnswer, unreachable } from "./group-errors.ts";
import type { Decision, Operation } from "./operation.ts";
import { readRound } from "./read-round.ts";
import type { ReplicaAnswer, ReplicaHead } from "./replica.ts";
import type { ReplicaGroup } from "./replica-group.ts";
import { holdsWrite, type SessionHead } from "./session-head.ts";
import { voteRound } from "./vote-round.ts";

/** This process's right to write to the copies, for as long as nobody has a greater ballot. */
interface Lead {
  readonly ballot: Ballot;
  readonly rev: number;
  readonly head: SessionHead | undefined;
}

/** A write that was sent and overtaken: it is known only later whether it was taken along. */
interface Overtaken<T> {
  readonly rev: number;
  readonly tag: string;
  readonly value: T;
}

type Sent = "done" | "nowhere" | "overtaken" | "unknown";

/** Reads that show no state of a majority, before this process settles which it is. */
const PATIENT_READS = 2;

/** After so many tries in vain it is looked whether damage is the reason. Pauses between loads are the shortest ones. */
const LOADS_TO_DAMAGE = 32;
export const TRIES_TO_DAMAGE = 8;

/**
 * One session on all nodes, as one process works on it (`docs/decisions/0005`). One write at a time: whoever owns this
 * object makes its calls one after the other; loads may run beside them.
 */
export class ReplicatedSession {
  readonly #id: string;
  readonly #group: ReplicaGroup;
  readonly #catchUp: CatchUp;
  #lead: Lead | undefined;

  constructor(id: string, group: ReplicaGroup) {
    this.#id = id;
    this.#group = group;
    this.#catchUp = new CatchUp(id, group);
  }

  /** @throws JournalError `unknown_session`, `transient`, `permanent` */
  async load(deadline: Deadline): Promise<JournalState> {
    const { nodes, timers } = this.#group;
    for (let reads = 1; ; reads += 1) {
      const { known, heads, answers } = await readRound(nodes, this.#id, deadline.leftMs(), timers);
      this.#group.learn(answers);
      if (known !== undefined) {
        if (known.copy.head === undefined) throw unknownSession(this.#id);
        const from = { ballots: [known.accepted], rev: known.rev };
        const content = await this.#group.content(this.#id, known.holders, from, deadline).catch(async () => {
          // Others may have a whole copy of it, or of what came after it.
          await tellDamage(this.#group, this.#id, deadline);
          await this.#settle(deadline);
          return undefined;
        });
        if (content?.state !== undefined) return content.state;
      } else {
        this.#group.demandMajority("load", heads, answers, deadline);
        if (reads >= PATIENT_READS) await this.#settle(deadline);
      }
      if (reads % LOADS_TO_DAMAGE === 0) await tellDamage(this.#group, this.#id, deadline);
      await this.#group.pause(deadline, "load");
    }
  }

  /**
   * Carries out a write on a majority.
   *
   * @throws JournalError as the rules say; `transient` when nothing was sent, `uncertain` when it is not known
   */
  async write<T>(operation: Operation<T>, deadline: Deadline): Promise<T> {
    let overtaken: Overtaken<T> | undefined;
    for (;;) {
      const isFresh = this.#lead === undefined;
      if (isFresh) {
        const early: Decision<T> | undefined =
          overtaken === undefined ? await this.#look(operation, deadline) : undefined;
        if (early !== undefined) return answerOf(early);
        await this.#settle(deadline).catch((error: unknown) => {
          throw overtaken === undefined ? error : uncertainAnswer("overtaken by another process", error);
        });
      }
      const lead = this.#lead;
      if (lead === undefined) continue;
      if (overtaken !== undefined) {
        const held = holdsWrite(lead.head, lead.rev, overtaken);
        if (held === true) return overtaken.value;
        if (held === undefined) throw uncertainAnswer("overtaken by many writes of other processes", undefined);
        overtaken = undefined;
      }
      const tag = this.#group.nextTag();
      const decision = operation(lead.head, tag);
      if (decision.kind !== "change") {
        // Only what a majority has shown since the call began is an answer.
        if (isFresh) return answerOf(decision);
        this.#lead = undefined;
        continue;
      }
      const sent = await this.#send(lead, decision, deadline);
      if (sent === "done") return decision.value;
      if (sent === "unknown") throw uncertainAnswer("not confirmed by a majority in time", undefined);
      if (sent === "overtaken") overtaken = { rev: lead.rev + 1, tag, value: decision.value };
      if (deadline.isOver()) {
        throw overtaken === undefined
          ? unreachable("write", "other processes write to the same session all the time")
          : uncertainAnswer("overtaken by another process", undefined);
      }
    }
  }

  /** The state after settling, for readmissions. @throws JournalError */
  async settled(deadline: Deadline): Promise<Lead> {
    await this.#settle(deadline);
    const lead = this.#lead;
    if (lead === undefined) throw unreachable("settle", "the session was overtaken");
    return lead;
  }

  /** What can be said without a new ballot. Most refusals end here, and disturb nobody. */
  async #look<T>(operation: Operation<T>, deadline: Deadline): Promise<Decision<T> | undefined> {
    const { nodes, timers } = this.#group;
    const { known, heads, answers } = await readRound(nodes, this.#id, deadline.leftMs(), timers);
    this.#group.learn(answers);
    if (known === undefined) {
      this.#group.demandMajority("write", heads, answers, deadline);
      return undefined;
    }
    const decision = operation(known.copy.head, "");
    return decision.kind === "change" ? undefined : decision;
  }

  async #send<T>(lead: Lead, { change }: Decision<T> & { kind: "change" }, deadline: Deadline): Promise<Sent> {
    const { nodes, timers } = this.#group;
    const rev = lead.rev + 1;
    const request = { kind: "accept", ballot: lead.ballot, rev, change } as const;
    const { ok, answers } = await voteRound(
      nodes,
      async (node) => {
        const answer = await node.ask(this.#id, request, deadline.leftMs());
        return answer.kind === "lag" ? await this.#catchUp.bring(node, lead.ballot, rev, deadline) : answer;
      },
      deadline.leftMs(),
      timers,
    );
    if (ok) {
      this.#lead = { ...lead, rev, head: change.after };
      return "done";
    }
    this.#lead = undefined;
    const said = [...answers.values()];
    const broken = said.find((answer) => answer.kind === "broken");
    if (broken !== undefined) throw damaged(this.#id, broken.message);
    const mayBeSomewhere = answers.size < nodes.length || said.some(mayHold);
    if (!mayBeSomewhere) return "nowhere";
    return said.some(({ kind }) => kind === "promised" || kind === "floor") ? "overtaken" : "unknown";
  }

  /**
   * Takes the lead: promises of a majority, the newest copy among them, and that copy on a majority under the new ballot.
   * Afterwards it is decided what became of every write before.
   */
  async #settle(deadline: Deadline): Promise<void> {
    this.#lead = undefined;
    for (let attempt = 0; ; attempt += 1) {
      const isLate = attempt % TRIES_TO_DAMAGE === TRIES_TO_DAMAGE - 1;
      if (await this.#group.spreadFloor(this.#id, deadline)) {
        const ballot = this.#group.nextBallot();
        const lead = await (isLate ? this.#tryPastDamage(ballot, deadline) : this.#tryLead(ballot, deadline));
        if (lead !== undefined) {
          this.#lead = lead;
          return;
        }
      }
      if (isLate) await tellDamage(this.#group, this.#id, deadline);
      await this.#group.pause(deadline, "lead", attempt);
    }
  }

  /** One try with one ballot; undefined if it collided with another process. */
  async #tryLead(ballot: Ballot, deadline: Deadline): Promise<Lead | undefined> {
    const { nodes, timers } = this.#group;
    const limitMs = deadline.leftMs();
    const promise = { kind: "promise", ballot } as const;
    const { ok, answers } = await voteRound(nodes, (node) => node.ask(this.#id, promise, limitMs), limitMs, timers);
    this.#group.learn(answers);
    if (!ok) {
      this.#group.demandMajority("lead", undefined, answers, deadline);
      return undefined;
    }
    const newest = newestOf(answers);
    const isAdopted = await this.#adopt(ballot, newest, answers, deadline);
    return isAdopted ? { ballot, rev: newest.rev, head: newest.head } : undefined;
  }

  /**
   * As {@link #tryLead}, where the newest copy may be damaged wherever it is: then the state that a majority has is
   * adopted instead. All nodes must have promised first, so that too few hold anything newer for it to have been
   * acknowledged, and none takes more of it. Only one of the two is adopted: a ballot must not name both.
   */
  async #tryPastDamage(ballot: Ballot, deadline: Deadline): Promise<Lead | undefined> {
    const promise = { kind: "promise", ballot } as const;
    // A node that does not answer must not cost the time of all tries to come.
    const limitMs = deadline.leftMs() / 4;
    const asked = this.#group.nodes.map(
      async (node) => [node.label, await node.ask(this.#id, promise, limitMs)] as const,
    );
    const answers = new Map(await Promise.all(asked));
    this.#group.learn(answers);
    const heads = new Map(
      [...answers].flatMap(([label, answer]) => (answer.kind === "head" && answer.votes ? [[label, answer.copy]] : [])),
    );
    if (heads.size < this.#group.nodes.length) return undefined;
    const newest = newestOf(answers);
    const holders = [...heads].flatMap(([label, copy]) => (compareCopies(copy, newest) === 0 ? [label] : []));
    const wanted = { ballots: [newest.accepted], rev: newest.rev };
    const isDamaged = await this.#group.content(this.#id, holders, wanted, deadline).then(
      () => false,
      () => true,
    );
    const copy = isDamaged ? (await wholeKnown(this.#group, this.#id, heads, deadline))?.copy : newest;
    if (copy === undefined) return undefined;
    return (await this.#adopt(ballot, copy, answers, deadline))
      ? { ballot, rev: copy.rev, head: copy.head }
      : undefined;
  }

  async #adopt(
    ballot: Ballot,
    { accepted, rev }: ReplicaHead,
    promises: ReadonlyMap<string, ReplicaAnswer>,
    deadline: Deadline,
  ): Promise<boolean> {
    const { nodes, timers } = this.#group;
    const holders = [...promises].flatMap(([label, answer]) =>
      answer.kind === "head" && answer.votes && compareCopies(answer.copy, { accepted, rev }) === 0 ? [label] : [],
    );
    const adopt = { kind: "adopt", ballot, from: accepted, rev } as const;
    const bring = this.#group.contentOnce(this.#id, holders, { ballots: [accepted, ballot], rev }, deadline);
    // Others will need the content. A damaged copy under a new ballot would hide whole ones that hold the same or more.
    if (holders.length < majority(nodes.length) && (await bring()) === undefined) return false;
    const { ok, answers } = await voteRound(
      nodes,
      async (node) => {
        const answer = await node.ask(this.#id, adopt, deadline.leftMs());
        if (answer.kind !== "lag") return answer;
        const found = await bring();
        if (found === undefined) return answer;
        return await node.ask(this.#id, { kind: "install", ballot, rev, content: found.content }, deadline.leftMs());
      },
      deadline.leftMs(),
      timers,
    );
    this.#group.learn(answers);
    if (!ok) this.#group.demandMajority("lead", undefined, answers, deadline);
    return ok;
  }
}

/** The newest copy among the promises of nodes with a vote: it holds everything that a majority ever had. */
export function newestOf(promises: ReadonlyMap<string, ReplicaAnswer>): ReplicaHead {
  const copies = [...promises.values()].flatMap((answer) =>
    answer.kind === "head" && answer.votes ? [answer.copy] : [],
  );
  const [first, ...rest] = copies;
  if (first === undefined) throw new TypeError("a majority has promised");
  return rest.reduce((newest, copy) => (compareCopies(copy, newest) > 0 ? copy : newest), first);
}

function mayHold(answer: ReplicaAnswer): boolean {
  return answer.kind === "ok" || (answer.kind === "failed" && answer.mayHaveRun) || answer.kind === "lag";
}

function answerOf<T>(decision: Decision<T>): T {
  if (decision.kind === "refuse") throw decision.error;
  return decision.value;
}

function unknownSession(id: string): JournalError {
  return new JournalError("unknown_session", `there is no journal of session ${JSON.stringify(id)}; create it first`);
}

function damaged(id: string, message: string): JournalError {
  return new JournalError(
    "permanent",
    `the copies of session ${JSON.stringify(id)} contradict each other: ${message}. Somebody else writes to these keys, or a node was set back: readmit it`,
  );
}
