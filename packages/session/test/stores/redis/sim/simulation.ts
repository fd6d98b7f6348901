// SPDX-License-Identifier: Apache-2.0
import { Random } from "@tsoracle/conformance";
import { DEFAULT_JOURNAL_LIMITS, type FencedJournal, type JournalFence } from "@tsoracle/consensus";
import { type AdmissibleNode, readmit } from "../../../../src/stores/redis/admission.ts";
import { Deadline } from "../../../../src/stores/redis/group-errors.ts";
import { RedisJournal } from "../../../../src/stores/redis/redis-journal.ts";
import { ReplicaGroup } from "../../../../src/stores/redis/replica-group.ts";
import { Judge } from "./judge.ts";
import { type NodeRules, RIGHT_RULES } from "./model-node.ts";
import { World } from "./world.ts";

export interface Plan {
  readonly nodes: 3 | 5;
  readonly rules?: Partial<NodeRules>;
  /** Changes how a process sees the nodes: a known wrong protocol. */
  readonly view?: (nodes: readonly AdmissibleNode[], random: Random) => readonly AdmissibleNode[];
  /** Changes how a readmission sees them. */
  readonly admission?: (nodes: readonly AdmissibleNode[]) => readonly AdmissibleNode[];
  /** Instead of forgetting, nodes have their copies damaged, at most a minority of them at a time. */
  readonly rots?: boolean;
}

/** How a case ended: what is wrong, if anything, and what happened in it. */
export interface Verdict {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const ID = "s";
const CALL_MS = 1_500;
const PROCESSES = 3;
const STEPS = 22;
/** Nothing fails any more by then: a journal that still cannot be loaded never will be. */
const LAST_LOOKS = 20;

/** One case: processes that own, lose and take over one session while nodes fail, forget and are filled again. */
export async function simulate(seed: number, plan: Plan): Promise<Verdict> {
  const random = new Random(seed);
  const world = new World(random, plan.nodes, { ...RIGHT_RULES, ...plan.rules });
  const run = new Simulation(world, plan);
  await world.run(run.everything());
  return { violations: run.judge.violations(), counts: run.judge.counts };
}

class Simulation {
  readonly judge: Judge;
  readonly #world: World;
  readonly #plan: Plan;
  readonly #random: Random;
  #epochs = 0n;
  #nonces = 2n ** 60n;
  #texts = 0;
  #isOver = false;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random;
    this.judge = new Judge(() => world.monotonicMs());
  }

  async everything(): Promise<void> {
    const first = this.#open();
    await first.createIfAbsent(ID, { epoch: 0n, owner: "nobody" });
    const faults = this.#faults();
    await Promise.all(Array.from({ length: PROCESSES }, (_, index) => this.#process(`p${index}`)));
    this.#isOver = true;
    await faults;
    this.#world.lossy = 0;
    this.#world.down.clear();
    // Nodes that are still empty are filled, so that the last look finds a majority.
    for (const [index, node] of this.#world.nodes.entries()) if (!node.votes) await this.#fill(index);
    const last = this.#open();
    for (let look = 0; look < LAST_LOOKS; look += 1) {
      const state = await last.load(ID).catch(() => undefined);
      if (state !== undefined) return this.judge.finally(state);
    }
  }

  /** Owns the session for a while, again and again, each time with a fresh epoch; now and then with one that is in use. */
  async #process(name: string): Promise<void> {
    let journal = this.#open();
    for (let step = 0; step < STEPS; step += 1) {
      await this.#world.sleep(this.#random.below(250));
      if (!this.#random.oneIn(9)) this.#epochs += 1n;
      await this.#reign(journal, { epoch: this.#epochs, owner: name });
      // A process that crashed leaves what it sent behind, and comes back as another.
      if (this.#random.oneIn(3)) journal = this.#open();
    }
  }

  async #reign(journal: FencedJournal, fence: JournalFence): Promise<void> {
    const { judge } = this;
    const reign = judge.nextReign();
    const head = await judge.takeover(fence, () => journal.takeover(ID, fence));
    if (head === undefined) return;
    const begun = this.#world.monotonicMs();
    const state = await judge.load(begun, () => journal.load(ID));
    if (state === undefined || state.fence.epoch !== fence.epoch || state.fence.owner !== fence.owner) return;
    let { nextSeq } = state;
    let known = judge.listOf(state);
    const most = 1 + this.#random.below(6);
    for (let writes = 0; writes < most; writes += 1) {
      if (this.#random.oneIn(5)) await this.#world.sleep(this.#random.below(120));
      const kind = this.#random.below(8);
      if (kind === 0 && known !== undefined) {
        const bytes = new TextEncoder().encode(JSON.stringify(known));
        const put = await judge.other("snapshot", () => journal.putSnapshot(ID, fence, nextSeq - 1, bytes));
        if (!put) return;
        if (
          this.#random.oneIn(2) &&
          !(await judge.other("truncate", () => journal.truncateThrough(ID, fence, nextSeq - 1)))
        ) {
          return;
        }
      } else if (kind === 1) {
        await judge.load(this.#world.monotonicMs(), () => journal.load(ID));
      } else {
        this.#texts += 1;
        const text = `${fence.owner}#${this.#texts}`;
        const entry = new TextEncoder().encode(text);
        const isDone = await judge.append(fence, reign, nextSeq, text, () =>
          journal.append(ID, fence, nextSeq, entry, 0n),
        );
        if (!isDone) return;
        nextSeq += 1;
        known = [...known, text];
      }
    }
  }

  /** Nodes fail, come back, forget and are filled, at most a minority of them at a time; messages get lost. */
  async #faults(): Promise<void> {
    const { nodes, down } = this.#world;
    const minority = (nodes.length - 1) / 2;
    const fillings = new Set<Promise<void>>();
    while (!this.#isOver) {
      await this.#world.sleep(30 + this.#random.below(300));
      const index = this.#random.below(nodes.length);
      const broken = nodes.filter((node, other) => !node.votes || down.has(other)).length;
      switch (this.#random.below(5)) {
        case 0:
          if (broken < minority) down.add(index);
          break;
        case 1:
        case 2:
          down.clear();
          this.#world.lossy = this.#random.oneIn(2) ? 0 : 10 + this.#random.below(30);
          break;
        case 3: {
          if (this.#plan.rots === true) {
            const rotten = nodes.filter((node) => node.isRotten(ID)).length;
            if (rotten < minority) nodes[index]?.rot(ID);
            this.judge.count("damaged");
            break;
          }
          const isIntact = nodes.filter((node) => !node.votes).length < minority;
          if (!isIntact) break;
          nodes[index]?.wipe();
          this.judge.count("wiped");
          break;
        }
        default: {
          const lost = nodes.findIndex((node) => !node.votes);
          if (lost < 0) break;
          const filling = this.#fill(lost).finally(() => fillings.delete(filling));
          fillings.add(filling);
        }
      }
    }
    await Promise.all(fillings);
  }

  async #fill(index: number): Promise<void> {
    const { admission = (nodes) => nodes } = this.#plan;
    const nodes = admission(this.#world.views());
    const node = nodes[index];
    if (node === undefined) return;
    this.#nonces += 1n;
    const terms = {
      nodes,
      timers: this.#world,
      nonce: this.#nonces,
      chance: () => this.#random.below(1_000) / 1_000,
      deadline: () => new Deadline(this.#world, CALL_MS),
    };
    await readmit(node, terms).then(
      () => this.judge.count("filled"),
      () => this.judge.count("not filled"),
    );
  }

  #open(): FencedJournal {
    const { view = (nodes) => nodes } = this.#plan;
    this.#nonces += 1n;
    const group = new ReplicaGroup({
      nodes: view(this.#world.views(), this.#random),
      timers: this.#world,
      nonce: this.#nonces,
      chance: () => this.#random.below(1_000) / 1_000,
    });
    return new RedisJournal({
      group,
      limits: DEFAULT_JOURNAL_LIMITS,
      callTimeoutMs: CALL_MS,
      close: () => Promise.resolve(),
    });
  }
}
