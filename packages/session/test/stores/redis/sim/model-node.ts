// SPDX-License-Identifier: Apache-2.0
import { type Ballot, floorOf, NO_BALLOT } from "../../../../src/stores/redis/ballot.ts";
import type { ReplicaAnswer, ReplicaRequest, SessionContent } from "../../../../src/stores/redis/replica.ts";

/** Rules of a node that can be left out, to see that the simulation would notice. */
export interface NodeRules {
  /** A promise keeps smaller ballots out. */
  readonly keepsPromises: boolean;
  /** A step is taken only onto the copy that it was made for. */
  readonly checksCopy: boolean;
  /** A node that lost its data has no vote. */
  readonly knowsThatItForgot: boolean;
  /** A new ballot is put only on the copy that it was chosen for; any other is replaced. */
  readonly repairs: boolean;
  /** Ballots are compared exactly, not as doubles. */
  readonly exact: boolean;
}

export const RIGHT_RULES: NodeRules = {
  keepsPromises: true,
  checksCopy: true,
  knowsThatItForgot: true,
  repairs: true,
  exact: true,
};

interface Copy {
  readonly promised: Ballot;
  readonly accepted: Ballot;
  readonly rev: number;
  readonly content: SessionContent | undefined;
  /** Whether the content cannot be read any more. */
  readonly isRotten?: boolean;
}

const NOTHING: Copy = { promised: NO_BALLOT, accepted: NO_BALLOT, rev: 0, content: undefined };

/** What the scripts of one node do, in memory: a second implementation of `lua.ts`, and the node of the simulation. */
export class ModelNode {
  readonly #rules: NodeRules;
  readonly #copies = new Map<string, Copy>();
  /** Undefined: the node is empty. */
  #mark: { floor: bigint; isWhole: boolean; admission: string } | undefined = {
    floor: 0n,
    isWhole: true,
    admission: "",
  };

  constructor(rules: NodeRules = RIGHT_RULES) {
    this.#rules = rules;
  }

  get votes(): boolean {
    return this.#mark?.isWhole === true;
  }

  get floor(): bigint | undefined {
    return this.votes ? this.#mark?.floor : undefined;
  }

  wipe(): void {
    this.#copies.clear();
    this.#mark = this.#rules.knowsThatItForgot ? undefined : { floor: 0n, isWhole: true, admission: "" };
  }

  /** Damages what the node has of a session, until another copy takes its place. */
  rot(id: string): void {
    const copy = this.#copies.get(id);
    if (copy !== undefined) this.#copies.set(id, { ...copy, isRotten: true });
  }

  isRotten(id: string): boolean {
    return this.#copies.get(id)?.isRotten === true;
  }

  raiseFloor(floor: bigint): boolean {
    if (this.#mark === undefined || !this.#mark.isWhole) return false;
    if (floor > this.#mark.floor) this.#mark.floor = floor;
    return true;
  }

  begin(floor: bigint, admission: string): boolean {
    if (this.#mark?.isWhole === true) return false;
    this.#mark = { floor, isWhole: false, admission };
    return true;
  }

  goesOn(admission: string): boolean {
    return this.#mark !== undefined && !this.#mark.isWhole && this.#mark.admission === admission;
  }

  finish(admission: string, floor: bigint): boolean {
    if (this.#mark === undefined || this.#mark.isWhole || this.#mark.admission !== admission) return false;
    if (floor > this.#mark.floor) this.#mark.floor = floor;
    this.#mark.isWhole = true;
    return true;
  }

  sessions(): ReadonlySet<string> {
    return new Set(this.#copies.keys());
  }

  answer(id: string, request: ReplicaRequest): ReplicaAnswer {
    const mark = this.#mark;
    if (mark === undefined) return { kind: "failed", mayHaveRun: false, lasting: false, message: "is empty" };
    const copy = this.#copies.get(id) ?? NOTHING;
    const votes = mark.isWhole;
    const head = (of: Copy): ReplicaAnswer => {
      const { promised, accepted, rev, content } = of;
      return { kind: "head", votes, copy: { floor: mark.floor, promised, accepted, rev, head: content?.head } };
    };
    if (request.kind === "read") return head(copy);
    if (request.kind === "content") {
      const isWanted = request.ballots.includes(copy.accepted) && (request.rev ?? copy.rev) === copy.rev;
      if (isWanted && copy.isRotten === true) return { kind: "broken", message: "cannot read what it holds" };
      return isWanted ? { kind: "content", rev: copy.rev, content: copy.content } : { kind: "moved" };
    }
    if (request.kind === "floor") {
      if (request.floor > mark.floor) mark.floor = request.floor;
      return { kind: "ok", votes };
    }
    const { ballot } = request;
    if (floorOf(ballot) < mark.floor) return { kind: "floor", floor: mark.floor };
    if (this.#rules.keepsPromises && this.#compare(ballot, copy.promised) < 0) {
      return { kind: "promised", ballot: copy.promised };
    }
    if (request.kind === "promise") {
      if (this.#rules.exact && ballot === copy.promised) return { kind: "promised", ballot: copy.promised };
      const promised = { ...copy, promised: ballot };
      this.#copies.set(id, promised);
      return head(promised);
    }
    const next = this.#after(copy, request);
    if ("kind" in next) return next.kind === "ok" ? { ...next, votes } : next;
    this.#copies.set(id, next);
    return { kind: "ok", votes };
  }

  #after(
    copy: Copy,
    request: Exclude<ReplicaRequest, { readonly kind: "read" | "content" | "floor" | "promise" }>,
  ): Copy | ReplicaAnswer {
    const { ballot, rev } = request;
    const isSame = this.#compare(copy.accepted, ballot) === 0;
    const done = { kind: "ok", votes: true } as const;
    switch (request.kind) {
      case "adopt":
        if (isSame) return done;
        if (this.#rules.repairs && (copy.accepted !== request.from || copy.rev !== rev)) return { kind: "lag" };
        return { ...copy, promised: ballot, accepted: ballot };
      case "install":
        if (isSame && copy.rev >= rev) return done;
        return { promised: ballot, accepted: ballot, rev, content: request.content };
      case "accept": {
        if (isSame && copy.rev >= rev) return done;
        if (this.#rules.checksCopy && (!isSame || copy.rev + 1 !== rev)) return { kind: "lag" };
        const { before, after, entry, snapshot, removed = [] } = request.change;
        const now = copy.content?.head;
        const isExpected =
          now?.fence.epoch === before?.fence.epoch &&
          now?.fence.owner === before?.fence.owner &&
          now?.nextSeq === before?.nextSeq;
        if (this.#rules.checksCopy && !isExpected) return { kind: "broken", message: "has another owner or number" };
        const kept = [...(copy.content?.entries ?? [])].filter(
          ([seq]) => !removed.some(([from, to]) => from <= seq && seq <= to),
        );
        const entries = new Map(entry === undefined ? kept : [...kept, [entry.seq, entry.packed] as const]);
        return {
          ...copy,
          promised: ballot,
          accepted: ballot,
          rev,
          content: { head: after, snapshot: snapshot ?? copy.content?.snapshot, entries },
        };
      }
      default:
        return request satisfies never;
    }
  }

  #compare(left: Ballot, right: Ballot): number {
    if (!this.#rules.exact) return Number(left) - Number(right);
    return left === right ? 0 : left < right ? -1 : 1;
  }
}
