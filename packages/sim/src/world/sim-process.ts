// SPDX-License-Identifier: Apache-2.0
import { LeaseClock } from "@tsoracle/consensus";
import type { Message } from "@tsoracle/driver-raft/raft";
import type {
  Answer,
  FirstMeetings,
  Hello,
  Leadership,
  PeerRegistry,
  Refusal,
  Replica,
  ReplicaHost,
  TenureCell,
  Ticker,
} from "@tsoracle/driver-raft/simulation";
import type { RaftStorage } from "@tsoracle/driver-raft/storage";
import { queueStaysBounded } from "../invariants/bounds.ts";
import type { Lifetime } from "../judge.ts";
import { ObservedStorage } from "../observed-storage.ts";
import { Random } from "../random.ts";
import type { Link, SimNode, SimProcess, World } from "./cluster.ts";
import { CLUSTER, greetingOf } from "./greeting.ts";
import type { TrueMark } from "./node-clock.ts";
import { OracleServer } from "./oracle-server.ts";
import { ProcessLinks } from "./process-links.ts";

interface Work {
  readonly run: () => void;
  readonly timer: boolean;
}

/** One start of a node: what the consensus thread is made of in the real driver, on virtual time. */
export class NodeProcess implements ReplicaHost, SimProcess {
  readonly world: World;
  readonly node: SimNode;
  readonly id: number;
  readonly name: string;
  readonly inbound: Map<number, Link> = new Map();
  readonly cell: TenureCell;
  readonly leaseClock: LeaseClock;
  readonly server: OracleServer;
  readonly answers: Map<number, (answer: Answer) => void> = new Map();
  readonly #reads: Map<number, () => void> = new Map();
  readonly life: Lifetime = { seen: undefined, config: undefined };
  readonly #random: Random;
  readonly #links: ProcessLinks;
  /** A copy of the node's disk, started beside it. */
  readonly isClone: boolean;
  alive = true;
  /** Its disk could be opened. */
  started = false;
  /** Ends its own step; true time as the process sees it while it waits for the disk. */
  cursorMs: number;
  #busyUntilMs = 0;
  #inbox: Work[] = [];
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #storage: RaftStorage | undefined;
  #replica: Replica | undefined;
  #meetings: FirstMeetings | undefined;
  #registry: PeerRegistry | undefined;
  #ticker: Ticker | undefined;
  #requests = 0;

  constructor(world: World, node: SimNode, name: string, seed: number, isClone: boolean) {
    this.world = world;
    this.node = node;
    this.id = node.id;
    this.name = name;
    this.isClone = isClone;
    this.cursorMs = world.nowMs;
    this.#random = new Random(seed, 3);
    this.cell = new world.subject.TenureCell();
    const { clock } = node;
    this.leaseClock = new LeaseClock({
      monotonicNs: () => clock.mark(world.nowMs).monotonicNs,
      bootMs: () => clock.bootMs(world.nowMs),
      wallMs: () => clock.wallMs(world.nowMs),
    });
    this.#links = new ProcessLinks(world, this);
    this.server = new OracleServer(this);
  }

  get replica(): Replica {
    if (this.#replica === undefined) throw new Error(`${this.name} has not started`);
    return this.#replica;
  }

  get reign(): number | undefined {
    return this.alive ? this.#replica?.reign : undefined;
  }

  get paused(): boolean {
    return this.world.nowMs < this.node.pausedUntilMs;
  }

  /** Opens the disk and takes part. Whatever it throws is the end of this start. */
  start(disk: SimNode["disk"]): void {
    const { subject, plan, judge } = this.world;
    const { view } = this.node;
    const inner = subject.openStorage(disk, {
      lock: "none",
      segmentBytes: plan.segmentBytes,
      random: (count) => this.#random.bytes(count),
      expect: { clusterId: CLUSTER, nodeId: this.id },
    });
    if (!this.isClone) judge.reopened(view, inner);
    this.#storage = this.isClone
      ? inner
      : new ObservedStorage(inner, {
          appending: (batch) => judge.appending(view, batch),
          appended: (batch) => judge.appended(view, batch),
          snapshotTaken: (request) => judge.snapshotTaken(view, request),
          compacted: (index) => judge.compacted(view, index),
        });
    const others = subject.decodeGenesis(inner.identity.genesis).map(({ id }) => id);
    const meetings = new subject.FirstMeetings(
      disk,
      inner.identity,
      others.filter((id) => id !== this.id),
    );
    this.#meetings = meetings;
    if (!this.isClone && meetings.complete) this.node.formed = true;
    const { electionTicks, snapshotEntries, trailingEntries } = plan;
    const settings = {
      ...subject.DEFAULT_REPLICA_SETTINGS,
      electionTicks,
      snapshotEntries,
      trailingEntries,
      randomInt: this.#random.int,
    };
    const replica = new subject.Replica(this.#storage, settings, (id) => meetings.storageOf(id), this);
    this.#replica = replica;
    this.#hello = greetingOf(subject, inner);
    this.#registry = new subject.PeerRegistry(this.#hello, {
      storageOf: (id) => replica.machine.member(id)?.storageId ?? meetings.storageOf(id),
      pinnedTo: (id) => replica.machine.member(id)?.storageId,
      isMember: (id) => replica.machine.member(id) !== undefined,
      isFirstMember: (id) => others.includes(id),
      wasRemoved: (id) => replica.machine.wasRemoved(id),
    });
    this.membersChanged();
    const { clock } = this.node;
    this.#ticker = new subject.Ticker(
      plan.heartbeatMs,
      {
        nowMs: () => clock.monotonicMs(Math.max(this.world.nowMs, this.cursorMs)),
        after: (ms, run) => this.#timer(ms, run),
        afterIo: (run) => this.world.at(0, () => this.enqueue(run)),
      },
      () => this.#tick(),
    );
    this.started = true;
    this.observe();
  }

  #hello: Hello | undefined;

  hello(to: number, echo: string): Hello {
    return { ...this.#helloTo(to), to, echo };
  }

  answer({ nodeId }: Hello): Hello {
    return this.#helloTo(nodeId);
  }

  #helloTo(peer: number): Hello {
    if (this.#hello === undefined) throw new Error(`${this.name} has not started`);
    const { machine } = this.replica;
    const peerEndpoint = machine.member(this.id)?.peerEndpoint ?? "";
    return { ...this.#hello, peerEndpoint, ...this.#meetings?.said(), yourDisk: machine.member(peer)?.storageId ?? "" };
  }

  get storageId(): string {
    return this.#hello?.storageId ?? "";
  }

  stands(peer: number, storageId: string): boolean {
    return this.#registry?.stands(peer, storageId) ?? false;
  }

  judge(hello: Hello, live: boolean): Refusal | undefined {
    return this.#registry?.judge(hello, this.node.clock.monotonicMs(this.cursorMs), live);
  }

  met(hello: Hello): void {
    if (this.#replica !== undefined && this.#links.hear(hello, this.#replica.machine)) {
      this.world.counts.addresses_heard += 1;
    }
    const waitedFor = this.#meetings?.missing().length ?? 0;
    this.#meetings?.hear(hello);
    if (waitedFor > 1 && this.#meetings?.complete === true) this.world.counts.agreed_by_word += 1;
    if (this.isClone) return;
    this.node.knowsAll ||= this.#meetings?.isFull === true;
    this.node.formed ||= this.#meetings?.complete === true;
  }

  /** A peer will not have this node. Some reasons end it. */
  refused(by: number, refusal: Refusal): void {
    const { reason } = refusal;
    this.world.trace.say(() => `${this.name} is refused: ${reason}`);
    const { machine } = this.replica;
    const isEstablished = this.#meetings?.isEstablished(machine.member(this.id)?.storageId) ?? false;
    const disk = machine.member(by)?.storageId ?? this.#meetings?.storageOf(by);
    if (this.world.subject.isFatalRefusal(refusal, { isEstablished, disk })) this.world.refusedForGood(this, reason);
  }

  /** Runs now, or when the process is awake again and has nothing before it. */
  enqueue(run: () => void, timer = false): void {
    if (!this.alive) return;
    const readyMs = Math.max(this.#busyUntilMs, this.node.pausedUntilMs);
    if (this.world.nowMs >= readyMs && this.#inbox.length === 0) {
      this.#step(run);
      return;
    }
    this.#inbox.push({ run, timer });
    queueStaysBounded(this.id, this.#inbox.length);
    this.#wake(readyMs);
  }

  #wake(atMs: number): void {
    if (this.#wakeAtMs <= atMs) return;
    this.#wakeAtMs = atMs;
    this.world.at(Math.max(0, atMs - this.world.nowMs), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#drainInbox();
    });
  }

  /** After a stall timers may come before the messages that waited, as they do in an event loop. */
  #drainInbox(): void {
    const readyMs = Math.max(this.#busyUntilMs, this.node.pausedUntilMs);
    if (!this.alive || this.#inbox.length === 0) return;
    if (this.world.nowMs < readyMs) {
      this.#wake(readyMs);
      return;
    }
    if (this.#inbox.some(({ timer }) => timer) && this.#random.chance(0.5)) {
      this.#inbox = [...this.#inbox.filter(({ timer }) => timer), ...this.#inbox.filter(({ timer }) => !timer)];
    }
    while (this.alive && this.#inbox.length > 0) {
      if (this.world.nowMs < Math.max(this.#busyUntilMs, this.node.pausedUntilMs)) break;
      const work = this.#inbox.shift();
      if (work !== undefined) this.#step(work.run);
    }
    if (this.alive && this.#inbox.length > 0) this.#wake(Math.max(this.#busyUntilMs, this.node.pausedUntilMs));
  }

  #step(run: () => void): void {
    this.cursorMs = this.world.nowMs;
    this.world.trace.steps += 1;
    this.world.guard(this, run);
    if (!this.alive) return;
    this.#busyUntilMs = this.cursorMs;
    this.observe();
  }

  /** Shows the judge what the node looks like now. */
  observe(): void {
    if (this.isClone || this.#replica === undefined || this.#storage === undefined) return;
    this.world.judge.stepped(this.node.view, this.life, {
      status: this.#replica.status(),
      applied: this.#replica.applied,
      highWater: this.#replica.machine.highWater,
      storage: this.#storage,
    });
  }

  #timer(ms: number, run: () => void): () => void {
    let cancelled = false;
    this.world.at(this.cursorMs - this.world.nowMs + ms / this.node.clock.rate, () => {
      if (!cancelled) this.enqueue(() => !cancelled && run(), true);
    });
    return () => {
      cancelled = true;
    };
  }

  #tick(): void {
    this.#taking(() => this.replica.tick());
    if (this.#meetings?.tick() === true) this.#links.greetAgain();
  }

  /** Whatever is done for the cluster waits until the first members have met. */
  #taking(run: () => void): void {
    if (this.alive && this.#meetings?.complete === true) run();
  }

  receive(message: Message): void {
    this.world.noteMessage(this, message);
    this.#taking(() => this.replica.receive(message));
  }

  /** Gives the replica a request under a new id. */
  ask(make: (id: number, replica: Replica) => void): void {
    this.#requests += 1;
    const id = this.#requests;
    if (this.#replica !== undefined) make(id, this.#replica);
  }

  /** Calls `done` when everything that was decided before is applied here, which may be at once. */
  read(done: () => void): void {
    this.ask((id, replica) => {
      this.#reads.set(id, done);
      replica.read(id);
    });
  }

  unreachable(peer: number): void {
    this.#taking(() => this.#replica?.unreachable(peer));
  }

  // What the replica says, as `ReplicaHost`.

  send(message: Message): void {
    const { world } = this;
    const link = this.#links.get(message.to);
    if (!this.isClone) world.judge.sending(this.node.view, message, () => this.replica.status());
    else if (link?.state === "open") world.judge.doubleSends(message);
    if (link === undefined || link.state !== "open") {
      if (message.type === "MsgSnap") this.#taking(() => this.#replica?.snapshotSent(message.to, false));
      else if (message.type === "MsgApp" && link !== undefined) this.unreachable(message.to);
      return;
    }
    world.network.send(link, world.throughTheCodec(message), this.cursorMs);
    if (message.type === "MsgSnap") this.#taking(() => this.#replica?.snapshotSent(message.to, true));
  }

  leadership(state: Leadership): void {
    const before = this.cell.term;
    if (before !== 0 && (state.role !== "leader" || state.term !== before)) {
      this.world.judge.leases.ended(before, this.cursorMs);
    }
    if (state.role === "leader") {
      this.world.judge.register.elected(state.term, this.name);
      this.world.judge.reigns(this.node.view, state.term, this.replica.applied);
      this.world.counts.reigns += 1;
      this.cell.begin(state.term);
    } else this.cell.end();
    this.world.trace.say(() => `${this.name} says ${state.role} of term ${state.term}`);
    this.server.told(state);
  }

  mark(): TrueMark {
    return this.node.clock.mark(this.cursorMs);
  }

  renewed(term: number, mark: TrueMark): void {
    this.cell.renew(term, mark);
    const endMs = mark.trueMs + this.world.usableLeaseMs / this.node.clock.rate;
    this.world.judge.leases.renewed(term, this.cursorMs, endMs);
  }

  answered(id: number, answer: Answer): void {
    const waiting = this.answers.get(id);
    this.answers.delete(id);
    waiting?.(answer);
  }

  readable(id: number): void {
    const waiting = this.#reads.get(id);
    this.#reads.delete(id);
    waiting?.();
  }

  membersChanged(): void {
    if (this.#replica !== undefined) this.#links.setPeers(this.#replica.machine);
  }

  log(line: string): void {
    this.world.trace.say(() => `${this.name}: ${line}`);
  }

  knows(peer: number): boolean {
    return this.#links.get(peer) !== undefined;
  }

  links(): Iterable<Link> {
    return this.#links.all();
  }

  /** The process is over, in whatever state. */
  end(): void {
    if (!this.alive) return;
    this.alive = false;
    const reign = this.cell.term;
    if (reign !== 0) this.world.judge.leases.ended(reign, Math.max(this.cursorMs, this.world.nowMs));
    this.cell.end();
    this.world.counts.late_ticks_skipped += this.#ticker?.stalls ?? 0;
    this.#ticker?.stop();
    this.#inbox = [];
    this.#links.close();
    if (!this.isClone) this.node.view.leads = false;
  }
}
