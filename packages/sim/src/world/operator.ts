// SPDX-License-Identifier: Apache-2.0

import type { MembershipRequest } from "@tsoracle/driver-raft/simulation";
import type { Random } from "../random.ts";
import { addressesOf } from "./addresses.ts";
import type { Operator, SimNode, SimProcess, World } from "./cluster.ts";

const LOOK_EVERY_MS = 300;
const MOST_VOTERS = 5;

/** Whoever runs the cluster: replaces nodes whose disk is lost, and grows or shrinks it when a fault says so. */
export class ClusterOperator implements Operator {
  readonly #world: World;
  readonly #random: Random;
  #target: number;
  readonly #unwanted = new Set<number>();

  constructor(world: World, random: Random, target: number) {
    this.#world = world;
    this.#random = random;
    this.#target = target;
  }

  begin(): void {
    this.#world.at(LOOK_EVERY_MS * (0.5 + this.#random.next()), () => {
      this.#look();
      this.begin();
    });
  }

  grow(): void {
    if (this.#target < MOST_VOTERS) this.#target += 1;
  }

  /** One member is to go; another one takes its place unless the cluster is large enough without it. */
  retire(which?: number): void {
    const { voters } = this.#world.judge.configs.latest;
    if (voters.size - this.#unwanted.size <= 2) return;
    if ([...voters].some((voter) => this.#world.nodes.get(voter)?.fate !== "member")) return;
    const id = which ?? this.#random.pick([...voters].filter((voter) => !this.#unwanted.has(voter)));
    if (id === undefined || !voters.has(id)) return;
    this.#unwanted.add(id);
    if (this.#target > 3 || this.#random.chance(0.2)) this.#target -= 1;
  }

  /**
   * Whether the cluster could go on without one more of its voters, whatever is under way. Before a first member takes part
   * that stays, a cluster that loses one of them is formatted anew (docs/decisions/0003). And a change of the members counts on a
   * node when it hears that it is decided (M3): whoever has its entry and has not heard so still counts by the members
   * before, and might need the one that is lost. Whoever lacks the entry votes for those that have heard.
   */
  canLose(id: number): boolean {
    const { configs } = this.#world.judge;
    const { voters, learners } = configs.latest;
    if (!voters.has(id) || learners.size > 0 || this.#unwanted.size > 0) return false;
    const rest = [...this.#world.nodes.values()].filter((node) => node.fate === "member" && node.id !== id);
    const isFormed = rest.some(({ formed, genesis }) => formed && genesis.length > 0);
    if (rest.some(({ formed, knowsAll }) => !formed && !(isFormed && knowsAll))) return false;
    const others = [...voters].flatMap((voter) => (voter === id ? [] : (this.#world.nodes.get(voter) ?? [])));
    const staying = others.filter(({ fate }) => fate === "member").map(({ view }) => view);
    const waiting = staying.filter(({ applied }) => applied < configs.latestIndex);
    if (waiting.length === staying.length) return false;
    if (waiting.some(({ shadow }) => shadow.lastIndex >= configs.latestIndex)) return false;
    const lost = [...voters].filter((voter) => voter === id || this.#world.nodes.get(voter)?.fate !== "member");
    return lost.length <= Math.floor((voters.size - 1) / 2);
  }

  /** Replaces the members that are lost and no others; for the time after the faults. */
  settle(): void {
    this.#unwanted.clear();
  }

  #look(): void {
    const leader = this.#world.leader();
    if (leader === undefined) return;
    const { voters, learners } = this.#world.judge.configs.latest;
    const nodes = this.#world.nodes;
    const isLost = (id: number): boolean => nodes.get(id)?.fate === "lost" || this.#unwanted.has(id);
    const joining = [...nodes.values()].filter(
      ({ id, fate, genesis }) => fate === "member" && genesis.length === 0 && !voters.has(id) && !learners.has(id),
    );
    const staying = [...voters, ...learners].filter((id) => !isLost(id)).length;
    const gone = [...nodes.values()].find(({ id, fate }) => fate !== "member" && !voters.has(id) && !learners.has(id));
    // An operator who takes an old id again must be refused (M6).
    if (gone !== undefined && this.#random.chance(0.1)) {
      this.#add(leader, gone);
      return;
    }
    const newcomer = joining.find(({ id }) => !leader.replica.machine.wasRemoved(id));
    if (newcomer !== undefined) {
      this.#add(leader, newcomer);
      return;
    }
    const ready = [...learners].find((id) => !isLost(id));
    if (ready !== undefined && this.#random.chance(0.7)) {
      this.#promote(leader, ready);
      return;
    }
    const present = [...voters, ...learners];
    const leaving = present.find((id) => nodes.get(id)?.fate === "lost") ?? present.find(isLost);
    if (leaving !== undefined && (voters.size > 2 || learners.has(leaving)) && this.#random.chance(0.6)) {
      this.#remove(leader, leaving);
      return;
    }
    if (staying < this.#target) this.#world.join();
  }

  #add(leader: SimProcess, { id, storageId }: SimNode): void {
    const member = { id, ...addressesOf(id), storageId };
    this.#change(leader, { type: "ConfChangeAddLearnerNode", id, member }, () => {
      this.#world.counts.learners_added += 1;
    });
  }

  #promote(leader: SimProcess, id: number): void {
    const replaces = [...this.#world.nodes.values()].some(({ fate }) => fate === "lost");
    this.#change(leader, { type: "ConfChangeAddNode", id }, () => {
      this.#world.counts.learners_promoted += 1;
      if (replaces) this.#world.counts.lost_nodes_replaced += 1;
    });
  }

  #remove(leader: SimProcess, id: number): void {
    if (id === leader.id) {
      leader.enqueue(() => leader.replica.transfer());
      return;
    }
    this.#change(leader, { type: "ConfChangeRemoveNode", id }, () => {
      this.#unwanted.delete(id);
      this.#world.counts.members_removed += 1;
    });
  }

  #change(leader: SimProcess, request: MembershipRequest, done: () => void): void {
    leader.enqueue(() => {
      leader.ask((id, replica) => {
        leader.answers.set(id, (answer) => {
          if (answer.ok) done();
        });
        replica.change(id, request);
      });
    });
  }
}
