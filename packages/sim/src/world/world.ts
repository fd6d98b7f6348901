// SPDX-License-Identifier: Apache-2.0

import type { Message } from "@tsoracle/driver-raft/raft";
import { type Counts, newCounts } from "../counters.ts";
import { Judge } from "../judge.ts";
import type { CasePlan, Noise } from "../plan.ts";
import { Random } from "../random.ts";
import type { Subject } from "../subject.ts";
import { Trace } from "../trace.ts";
import { Violation } from "../violation.ts";
import { addressesOf } from "./addresses.ts";
import type { SimProcess, World } from "./cluster.ts";
import { type Ending, SimNode } from "./cluster.ts";
import { EventQueue } from "./event-queue.ts";
import { SimNetwork } from "./network.ts";
import { NodeClock } from "./node-clock.ts";
import { ClusterOperator } from "./operator.ts";
import { NodeProcess } from "./sim-process.ts";
import { Workload } from "./workload.ts";

const GENESIS = { index: 1, term: 1 };
const WALL_MS = 100_000;
const QUIET: Noise = { drop: 0, duplicate: 0, delay: 0, longestDelayMs: 0 };
const CODEC_SHARE = 0.1;

/** One simulated cluster: virtual time, machines, network, and everybody who wants something of them. */
export class SimWorld implements World {
  readonly subject: Subject;
  readonly plan: CasePlan;
  readonly counts: Counts = newCounts();
  readonly judge: Judge;
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly operator: ClusterOperator;
  readonly chance: Random;
  readonly nodes: Map<number, SimNode> = new Map();
  readonly clones: Set<SimProcess> = new Set();
  readonly usableLeaseMs: number;
  noise: Noise;
  nowMs = 0;
  healed = false;
  /** Until then clients write nothing. */
  idleUntilMs = 0;
  /** Until then nothing new is done to the cluster. */
  calmUntilMs = 0;
  readonly #queue = new EventQueue();
  readonly #genesis: Uint8Array;
  #starts = 0;
  #nextId: number;

  constructor(subject: Subject, plan: CasePlan, recording: boolean) {
    this.subject = subject;
    this.plan = plan;
    this.noise = plan.noise;
    this.chance = new Random(plan.seed, 2);
    this.trace = new Trace(recording);
    const ids = Array.from({ length: plan.nodes }, (_, index) => index + 1);
    this.#genesis = subject.encodeGenesis(ids.map((id) => ({ id, ...addressesOf(id) })));
    this.#nextId = plan.nodes + 1;
    const { snapshotEntries, trailingEntries, segmentBytes } = plan;
    this.judge = new Judge(
      {
        genesisIndex: GENESIS.index,
        genesisTerm: GENESIS.term,
        voters: ids,
        snapshotEntries,
        trailingEntries,
        segmentBytes,
      },
      this.counts,
    );
    this.network = new SimNetwork(this, new Random(plan.seed, 4));
    this.operator = new ClusterOperator(this, new Random(plan.seed, 5), plan.nodes);
    const { heartbeatMs, electionTicks, drift } = plan;
    this.usableLeaseMs = subject.usableLeaseMs({ heartbeatMs, electionTicks, drift });
    for (const id of ids) this.#addNode(id, this.#genesis, []);
    for (const node of this.nodes.values()) this.at(this.chance.between(0, 50), () => this.start(node));
    new Workload(this, new Random(plan.seed, 6)).begin();
    this.operator.begin();
  }

  /** Runs `run` when so much virtual time has passed. */
  at(afterMs: number, run: () => void): void {
    this.#queue.push(this.nowMs + Math.max(0, afterMs), run);
  }

  /** Lets time pass until `untilMs`, or until `done` says so. */
  runUntil(untilMs: number, done: () => boolean = never): boolean {
    for (;;) {
      const event = this.#queue.pop();
      if (event === undefined || event.atMs > untilMs) {
        if (event !== undefined) this.#queue.push(event.atMs, event.run);
        this.nowMs = untilMs;
        return done();
      }
      this.nowMs = event.atMs;
      this.trace.add(event.atMs);
      event.run();
      if (done()) return true;
    }
  }

  /** Processes that live, clones apart. */
  processes(): SimProcess[] {
    const living: SimProcess[] = [];
    for (const { process } of this.nodes.values()) if (process?.alive === true) living.push(process);
    return living;
  }

  /** The one that reigns in the newest term. */
  leader(): SimProcess | undefined {
    let best: SimProcess | undefined;
    for (const process of this.processes()) {
      if (process.reign !== undefined && !process.paused && (best?.reign ?? 0) < process.reign) best = process;
    }
    return best;
  }

  /** Who answers at the address of a node. */
  listener(id: number): SimProcess | undefined {
    const node = this.nodes.get(id);
    if (node?.process?.alive === true) return node.process;
    return node?.impostor?.alive === true ? node.impostor : undefined;
  }

  /** A new machine with a formatted disk, whose process looks for the members it was told of. */
  join(): void {
    const id = this.#nextId++;
    const { voters, learners } = this.judge.configs.latest;
    const node = this.#addNode(id, new Uint8Array(), [...voters, ...learners]);
    this.start(node);
  }

  /** Starts the process of a node from its disk. */
  start(node: SimNode): void {
    node.restartPlanned = false;
    if (node.fate !== "member" || node.process?.alive === true) return;
    this.#starts += 1;
    const process = new NodeProcess(this, node, `node ${node.id} (start ${this.#starts})`, this.chance.seed(), false);
    node.process = process;
    this.trace.say(() => `${this.nowMs.toFixed(1)} ${process.name} starts`);
    this.guard(process, () => process.start(node.disk));
  }

  /** A process that says it is the node, on another disk: a copy, or one that was formatted anew. */
  startDouble(node: SimNode, disk: SimNode["disk"], what: string): SimProcess {
    this.#starts += 1;
    const double = new NodeProcess(this, node, `${what} of node ${node.id}`, this.chance.seed(), true);
    this.clones.add(double);
    this.guard(double, () => double.start(disk));
    return double;
  }

  /** Runs a step of a process; whatever it throws ends the process, and only what a fault explains may be thrown. */
  guard(process: SimProcess, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof Violation) throw error;
      this.#failed(process, error);
    }
  }

  /** Ends a process, and starts it again after `downMs`, unless that is undefined. */
  stop(node: SimNode, how: Ending, downMs: number | undefined): void {
    const { process, disk } = node;
    if (process !== undefined) {
      process.end();
      this.#hangUp(process);
    }
    node.armed = undefined;
    if (how === "power") disk.losePower();
    else disk.endProcess();
    if (downMs === undefined || node.restartPlanned) return;
    node.restartPlanned = true;
    this.at(downMs, () => this.start(node));
  }

  /** Its disk is gone, or must not be used again. */
  lose(node: SimNode): void {
    node.fate = "lost";
    const { process } = node;
    if (process === undefined) return;
    process.end();
    this.#hangUp(process);
  }

  /** A peer told a node, or its clone, that it may never take part again. */
  refusedForGood(process: SimProcess, reason: string): void {
    const { node } = process;
    switch (reason) {
      case "storage_replaced":
        this.counts.wiped_refused_by_peers += 1;
        break;
      case "cloned":
        this.counts.cloned_refused += 1;
        break;
      default:
        this.counts.removed_refused += 1;
    }
    process.end();
    this.#hangUp(process);
    if (process.isClone) return;
    if (reason === "removed") node.fate = "removed";
    else node.fate = "lost";
  }

  breakStreams(from: number, to: number): void {
    for (const process of this.processes()) {
      if (process.id !== from) continue;
      for (const link of process.links()) {
        if (link.peer !== to || link.state !== "open") continue;
        const { target, attempt } = link;
        this.counts.streams_broken += 1;
        if (target?.inbound.get(from) === link) target.inbound.delete(from);
        process.enqueue(() => link.state === "open" && link.attempt === attempt && this.network.broken(link));
      }
    }
  }

  noteMessage(process: SimProcess, { type, from, term, index, commit }: Message): void {
    this.trace.add(process.id * 64 + from);
    this.trace.add(term * 4_096 + index);
    this.trace.say(
      () =>
        `${this.nowMs.toFixed(1)} ${process.name} receives ${type} from ${from}, term ${term}, index ${index}, commit ${commit}`,
    );
  }

  /** Some messages travel as bytes, as all do in the real transport. */
  throughTheCodec(message: Message): Message {
    if (!this.chance.chance(CODEC_SHARE)) return message;
    return this.subject.decodeMessage(this.subject.encodeMessage(message));
  }

  /** No more faults, and what they did is mended: partitions, pauses, full and slow disks, stopped processes. */
  heal(): void {
    this.healed = true;
    this.idleUntilMs = this.nowMs;
    this.noise = QUIET;
    this.network.mendAll();
    this.operator.settle();
    for (const clone of this.clones) clone.end();
    for (const node of this.nodes.values()) {
      node.pausedUntilMs = Math.min(node.pausedUntilMs, this.nowMs);
      node.slowSyncMs = 0;
      node.full = false;
      node.disk.capacityBytes = Number.POSITIVE_INFINITY;
      node.armed = undefined;
      if (node.process?.alive === true) node.process.enqueue(() => undefined);
      else if (node.fate === "member" && !node.restartPlanned) this.start(node);
    }
  }

  #addNode(id: number, genesis: Uint8Array, peers: readonly number[]): SimNode {
    const random = new Random(this.plan.seed, 100 + id);
    const disk = new this.subject.SimulatedDirectory({ path: `disk-${id}`, chance: random.next });
    const storageId = Buffer.from(random.bytes(16)).toString("hex");
    const first = genesis.length > 0;
    this.subject.formatStorage(disk, {
      clusterId: "simulated",
      nodeId: id,
      storageId,
      genesis,
      segmentBytes: this.plan.segmentBytes,
      ...(first ? { initialSnapshot: this.subject.genesisSnapshot(genesis, 100) } : {}),
    });
    const half = this.plan.drift / 2;
    const rate = 1 + half * (random.pick([-1, 1, random.between(-1, 1)]) ?? 0);
    this.counts.drifting_clocks += 1;
    const node = new SimNode({
      id,
      storageId,
      genesis,
      peers,
      clock: new NodeClock(rate, WALL_MS + random.int(2_000)),
      view: this.judge.addNode(id, first ? GENESIS.index : 0, first ? GENESIS.term : 0),
      disk,
    });
    this.nodes.set(id, node);
    return node;
  }

  #failed(process: SimProcess, error: unknown): void {
    const { node } = process;
    const text = error instanceof Error ? error.message : String(error);
    this.trace.say(() => `${this.nowMs.toFixed(1)} ${process.name} ends: ${text}`);
    const code = storageCode(error);
    if (process.isClone) {
      process.end();
      this.#hangUp(process);
      return;
    }
    const { armed, disk } = node;
    if (armed?.fired === true || disk.down || node.full) {
      if (!disk.down && code === undefined && !isSystemError(error)) this.#panic(process, error);
      this.stop(node, armed?.ending ?? "process", armed?.downMs ?? 300);
      return;
    }
    if (node.flipped && !process.started) {
      this.counts.bit_flips_refused += 1;
      this.lose(node);
      return;
    }
    if (code === "damaged" || code === "identity_mismatch" || code === "not_formatted") {
      throw new Violation("8", `${process.name} cannot open its disk: ${text}`);
    }
    this.#panic(process, error);
  }

  #panic(process: SimProcess, error: unknown): never {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Violation("panic", `${process.name}: ${text}`);
  }

  /** Its peers find out, at once if they can be reached. */
  #hangUp(dead: SimProcess): void {
    const goneMs = (from: number, to: number): number =>
      this.network.blocked(from, to) ? 3_000 : this.chance.between(0.2, 5);
    for (const link of dead.links()) {
      const { target } = link;
      if (target === undefined) continue;
      this.at(goneMs(dead.id, target.id), () => target.inbound.get(dead.id) === link && target.inbound.delete(dead.id));
    }
    const others = [...this.processes(), ...this.clones];
    for (const other of others) {
      for (const link of other.links()) {
        if (link.target !== dead || link.state !== "open") continue;
        this.at(goneMs(dead.id, other.id), () =>
          other.enqueue(() => link.state === "open" && link.target === dead && this.network.broken(link)),
        );
      }
    }
  }
}

function storageCode(error: unknown): string | undefined {
  return error instanceof Error && error.name === "StorageError" && "code" in error ? String(error.code) : undefined;
}

/** As the disk throws where the storage does not stand in between. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EIO" || error.code === "ENOSPC");
}

function never(): boolean {
  return false;
}
