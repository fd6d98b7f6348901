// SPDX-License-Identifier: Apache-2.0
// The parts of a simulated cluster as they see each other.
import type { LeaseClock } from "@tsoracle/consensus";
import type { PhysicalMs } from "@tsoracle/core";
import type { Message } from "@tsoracle/driver-raft/raft";
import type {
  Answer,
  DiskFault,
  DiskOperation,
  Hello,
  Refusal,
  Replica,
  SimulatedDirectory,
  TenureCell,
} from "@tsoracle/driver-raft/simulation";
import type { Counts } from "../counters.ts";
import type { NodeView } from "../invariants/tla.ts";
import type { Judge } from "../judge.ts";
import type { CasePlan, Noise } from "../plan.ts";
import type { Random } from "../random.ts";
import type { Subject } from "../subject.ts";
import type { Trace } from "../trace.ts";
import type { NodeClock } from "./node-clock.ts";

/**
 * `member`: may run. `lost`: its disk is gone or must not be used; it never runs again under this id.
 * `removed`: it learned that it is no member any more.
 */
export type Fate = "member" | "lost" | "removed";

/** How a process ends: alone, or with the machine. */
export type Ending = "process" | "power";

/** A fault that waits for an operation of the disk. */
export interface Armed {
  /** Operations that still pass. */
  passing: number;
  readonly matches: (operation: DiskOperation) => boolean;
  readonly fault: DiskFault;
  readonly ending: Ending;
  readonly downMs: number;
  fired: boolean;
}

/** One machine: its disk, its clocks, and the process that runs on it, if one does. */
export class SimNode {
  readonly id: number;
  readonly storageId: string;
  readonly genesis: Uint8Array;
  readonly clock: NodeClock;
  readonly view: NodeView;
  /** The addresses that the process is started with. */
  peers: readonly number[];
  readonly disk: SimulatedDirectory;
  process: SimProcess | undefined;
  /** What runs at its address although the disk was replaced. */
  impostor: SimProcess | undefined;
  fate: Fate = "member";
  pausedUntilMs = 0;
  /** Virtual time of each sync, while the disk is slow. */
  slowSyncMs = 0;
  slowSteps = 0;
  /** No room on the disk. */
  full = false;
  /** A bit of the disk is not what was written. */
  flipped = false;
  /** It has met all other first members, and takes part since. */
  formed = false;
  /** It has heard of the disks of all first members. */
  knowsAll = false;
  restartPlanned = false;
  armed: Armed | undefined;

  constructor(parts: Pick<SimNode, "id" | "storageId" | "genesis" | "clock" | "view" | "peers" | "disk">) {
    this.id = parts.id;
    this.storageId = parts.storageId;
    this.genesis = parts.genesis;
    this.clock = parts.clock;
    this.view = parts.view;
    this.peers = parts.peers;
    this.disk = parts.disk;
    this.disk.plan = (operation) => this.#operation(operation);
  }

  #operation(operation: DiskOperation): DiskFault | undefined {
    if (this.slowSyncMs > 0 && operation.kind === "fdatasync" && this.process !== undefined) {
      this.process.cursorMs += this.slowSyncMs;
      this.slowSteps += 1;
    }
    const { armed } = this;
    if (armed === undefined || armed.fired || !armed.matches(operation)) return undefined;
    if (armed.passing > 0) {
      armed.passing -= 1;
      return undefined;
    }
    armed.fired = true;
    return armed.fault;
  }
}

/** One node's way to a peer, as the transport's link: Hello first, then messages until it breaks. */
export interface Link {
  readonly owner: SimProcess;
  readonly peer: number;
  state: "paused" | "greeting" | "open" | "closed";
  target: SimProcess | undefined;
  pauseMs: number;
  attempt: number;
  lastArrivalMs: number;
  /** What the newest refusal asked to be repeated. */
  challenge: string;
  /** There is more to say than the Hello said that is on its way. */
  mustGreetAgain: boolean;
}

/** The serving thread of one node. */
export interface Server {
  /** The epoch that it serves in, if it does. */
  readonly serving: number | undefined;
  request(count: number): void;
  advance(term: number, atLeast: PhysicalMs, done: (highWater: PhysicalMs) => void): void;
}

/** One start of a node. */
export interface SimProcess {
  readonly world: World;
  readonly node: SimNode;
  readonly id: number;
  readonly name: string;
  /** It speaks for the node on another disk. */
  readonly isClone: boolean;
  readonly alive: boolean;
  readonly started: boolean;
  readonly paused: boolean;
  /** The term in which it reigns. */
  readonly reign: number | undefined;
  readonly replica: Replica;
  readonly server: Server;
  readonly cell: TenureCell;
  readonly leaseClock: LeaseClock;
  /** Streams of peers that stand, by who said Hello on them. */
  readonly inbound: Map<number, Link>;
  /** The disk that its Hello names. */
  readonly storageId: string;
  readonly answers: Map<number, (answer: Answer) => void>;
  /** True time as the process sees it while it waits for the disk. */
  cursorMs: number;
  start(disk: SimulatedDirectory): void;
  enqueue(run: () => void): void;
  hello(to: number, echo: string): Hello;
  answer(hello: Hello): Hello;
  judge(hello: Hello, live: boolean): Refusal | undefined;
  /** Whether that disk may still speak for the peer. */
  stands(peer: number, storageId: string): boolean;
  met(hello: Hello): void;
  refused(by: number, refusal: Refusal): void;
  receive(message: Message): void;
  unreachable(peer: number): void;
  ask(make: (id: number, replica: Replica) => void): void;
  read(done: () => void): void;
  knows(peer: number): boolean;
  links(): Iterable<Link>;
  end(): void;
}

export interface Network {
  cut(from: number, to: number): void;
  mend(from: number, to: number): void;
  blocked(from: number, to: number): boolean;
  connect(link: Link): void;
  broken(link: Link): void;
  recheck(process: SimProcess): void;
  send(link: Link, message: Message, fromMs: number): void;
}

export interface Operator {
  grow(): void;
  /** `which`, or any. */
  retire(which?: number): void;
  canLose(id: number): boolean;
}

/** Virtual time, the machines, and everything that happens to them. */
export interface World {
  readonly subject: Subject;
  readonly plan: CasePlan;
  readonly counts: Counts;
  readonly judge: Judge;
  readonly trace: Trace;
  readonly network: Network;
  readonly operator: Operator;
  readonly chance: Random;
  readonly nodes: ReadonlyMap<number, SimNode>;
  readonly usableLeaseMs: number;
  readonly noise: Noise;
  readonly nowMs: number;
  readonly healed: boolean;
  /** Until then clients write nothing. */
  idleUntilMs: number;
  /** Until then nothing new is done to the cluster. */
  calmUntilMs: number;
  at(afterMs: number, run: () => void): void;
  processes(): SimProcess[];
  leader(): SimProcess | undefined;
  listener(id: number): SimProcess | undefined;
  join(): void;
  start(node: SimNode): void;
  startDouble(node: SimNode, disk: SimulatedDirectory, what: string): SimProcess;
  guard(process: SimProcess, run: () => void): void;
  stop(node: SimNode, how: Ending, downMs: number | undefined): void;
  lose(node: SimNode): void;
  refusedForGood(process: SimProcess, reason: string): void;
  breakStreams(from: number, to: number): void;
  noteMessage(process: SimProcess, message: Message): void;
  throughTheCodec(message: Message): Message;
}
