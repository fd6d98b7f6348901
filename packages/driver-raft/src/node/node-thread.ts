// SPDX-License-Identifier: Apache-2.0
import { randomInt } from "node:crypto";
import { LeaseClock } from "@tsoracle/consensus";
import { type NodeId, None } from "../raft/types.ts";
import { hostProcess } from "../storage/host-process.ts";
import { openStorage } from "../storage/open-storage.ts";
import { RealDirectory } from "../storage/real-directory.ts";
import type { RaftStorage } from "../storage/storage.ts";
import { type Hello, isFatalRefusal, isPassing, type Refusal as PeerRefusal } from "../transport/hello.ts";
import { PeerTransport } from "../transport/transport.ts";
import { FirstMeetings } from "./first-meetings.ts";
import { decodeGenesis, genesisDigest } from "./genesis.ts";
import { Handovers } from "./handovers.ts";
import { inWords } from "./leadership-words.ts";
import type { LogLevel } from "./log.ts";
import { PeerAddresses } from "./peer-addresses.ts";
import { RefusalNews } from "./refusal-news.ts";
import { Replica } from "./replica.ts";
import type { Leadership } from "./replica-host.ts";
import { DEFAULT_REPLICA_SETTINGS } from "./replica-settings.ts";
import { TenureCell } from "./tenure-cell.ts";
import type { Reply, Request, ThreadLeadership, ThreadOptions, ThreadStatus, Value } from "./thread-protocol.ts";
import { Ticker, type TickerClock } from "./ticker.ts";

const threadClock: TickerClock = Object.freeze({
  nowMs: () => performance.now(),
  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  afterIo: (run: () => void) => void setImmediate(run),
});

type ReadRequest = Extract<Request, { kind: "loadHighWater" | "loadSequence" | "loadLeases" | "members" | "confirm" }>;

/**
 * The owner of one node, in a thread of its own (N1 to N5): directory, replica, peers, time. It is told
 * {@link Request}s and says {@link Reply}s; everything in between is synchronous, so nothing interleaves.
 */
export class NodeThread {
  readonly #options: ThreadOptions;
  readonly #say: (reply: Reply) => void;
  readonly #tenure: TenureCell;
  readonly #leaseClock = new LeaseClock();
  readonly #storage: RaftStorage;
  readonly #firstMembers: readonly NodeId[];
  readonly #meetings: FirstMeetings;
  readonly #replica: Replica;
  readonly #handovers: Handovers;
  readonly #addresses: PeerAddresses;
  readonly #refusalNews = new RefusalNews();
  readonly #reads = new Map<number, ReadRequest>();
  #transport: PeerTransport | undefined;
  #ticker: Ticker | undefined;
  #term = 0;
  #last: Leadership | undefined;
  #reigns = 0;
  #voters: number | undefined;
  #over = false;

  private constructor(options: ThreadOptions, say: (reply: Reply) => void) {
    this.#options = options;
    this.#say = say;
    this.#tenure = new TenureCell(options.tenure);
    const directory = new RealDirectory(options.directory);
    this.#storage = openStorage(directory, {
      expect: { clusterId: options.expectClusterId, nodeId: options.expectNodeId },
      log: (line) => this.#log("warn", {}, line),
      lock: { process: hostProcess(), unverifiable: options.takeOverLock ? "take-over" : "refuse" },
    });
    try {
      const { identity } = this.#storage;
      this.#firstMembers = decodeGenesis(identity.genesis).map(({ id }) => id);
      const others = this.#firstMembers.filter((id) => id !== identity.nodeId);
      this.#meetings = new FirstMeetings(directory, identity, others);
      this.#addresses = new PeerAddresses(identity.nodeId, options.peers);
      this.#replica = this.#makeReplica();
      this.#handovers = new Handovers(this.#replica, {
        answer: (id, answer) => this.#say({ kind: "answer", id, answer, term: this.#term }),
        value: (id, value) => this.#say({ kind: "value", id, value }),
      });
    } catch (error) {
      this.#storage.close();
      throw error;
    }
  }

  /**
   * Opens the directory, binds the peers' address and begins to take part.
   *
   * @throws StorageError, TypeError, Error from the address. Nothing is left open then.
   */
  static async start(options: ThreadOptions, say: (reply: Reply) => void): Promise<NodeThread> {
    const thread = new NodeThread(options, say);
    try {
      await thread.#open();
    } catch (error) {
      thread.close();
      throw error;
    }
    return thread;
  }

  /** One request of the serving thread. */
  handle(request: Request): void {
    if (this.#over) return;
    this.#guarded(() => this.#carryOut(request));
  }

  /** Ends the node in good order. Idempotent. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#tenure.end();
    this.#ticker?.stop();
    this.#transport?.close();
    this.#storage.close();
  }

  async #open(): Promise<void> {
    const { clusterId, nodeId, storageId, genesis } = this.#storage.identity;
    const { bootCount, incarnation } = this.#storage;
    this.#transport = await PeerTransport.open({
      identity: {
        clusterId,
        nodeId,
        storageId,
        genesis: genesisDigest(genesis),
        bootCount,
        incarnation,
        timing: this.#options.timing,
      },
      listen: this.#options.listen,
      peerEndpoint: () => this.#replica.machine.member(nodeId)?.peerEndpoint ?? "",
      firstMembers: () => this.#meetings.said(),
      tls: this.#options.tls,
      allowInsecurePeer: this.#options.allowInsecurePeer,
      directory: {
        storageOf: (id) => this.#diskOf(id),
        pinnedTo: (id) => this.#replica.machine.member(id)?.storageId,
        isMember: (id) => this.#replica.machine.member(id) !== undefined,
        isFirstMember: (id) => this.#firstMembers.includes(id),
        wasRemoved: (id) => this.#replica.machine.wasRemoved(id),
      },
      host: {
        received: (message) => this.#taking(() => this.#replica.receive(message)),
        met: (hello) => this.#guarded(() => this.#met(hello)),
        unreachable: (peer) => this.#taking(() => this.#replica.unreachable(peer)),
        snapshotSent: (peer, ok) => this.#taking(() => this.#replica.snapshotSent(peer, ok)),
        refused: (by, refusal) => this.#refused(by, refusal),
        turnedAway: ({ nodeId }, refusal) => this.#tellRefusal(nodeId, refusal, "refused a peer"),
      },
    });
    this.#transport.setPeers(this.#peers());
    this.#countVoters();
    this.#ticker = new Ticker(this.#options.heartbeatMs, threadClock, () => this.#tick());
    if (!this.#meetings.complete) {
      this.#log(
        "info",
        { missing: this.#meetings.awaited() },
        "a new cluster forms when all its first members have met",
      );
    }
    this.#say({ kind: "started", status: this.#status() });
  }

  #makeReplica(): Replica {
    const settings = {
      ...DEFAULT_REPLICA_SETTINGS,
      electionTicks: this.#options.electionTicks,
      seqKeyCap: this.#options.seqKeyCap,
      randomInt: (bound: number) => randomInt(bound),
    };
    return new Replica(this.#storage, settings, (id) => this.#meetings.storageOf(id), {
      send: (message) => this.#transport?.send(message),
      leadership: (state) => this.#leadership(state),
      mark: () => this.#leaseClock.mark(),
      renewed: (term, mark) => this.#tenure.renew(term, mark),
      answered: (id, answer) => this.#say({ kind: "answer", id, answer, term: this.#term }),
      readable: (id) => this.#readable(id),
      membersChanged: () => this.#membersChanged(),
      log: (line) => this.#log("warn", {}, line),
    });
  }

  #tick(): void {
    this.#taking(() => {
      this.#replica.tick();
      this.#handovers.tick();
    });
    this.#refusalNews.tick();
    if (this.#meetings.tick()) this.#transport?.greetAgain();
  }

  /** Whatever is done for the cluster waits until the first members have met, and its failure is the node's end. */
  #taking(step: () => void): void {
    if (!this.#over && this.#meetings.complete) this.#guarded(step);
  }

  #guarded(step: () => void): void {
    if (this.#over) return;
    try {
      step();
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #fail(message: string): void {
    if (this.#over) return;
    this.close();
    this.#say({ kind: "failed", message });
  }

  #carryOut(request: Request): void {
    switch (request.kind) {
      case "advance":
        this.#replica.advance(request.id, request.atLeast, request.epoch);
        break;
      case "sequences":
      case "leases": {
        const { id, ...command } = request;
        this.#replica.propose(id, command);
        break;
      }
      case "change":
        this.#replica.change(request.id, request.request);
        break;
      case "transfer":
        if (request.to !== undefined) this.#handovers.ask(request.id, request.to);
        else this.#say({ kind: "value", id: request.id, value: this.#replica.resign() });
        break;
      case "status":
        this.#say({ kind: "value", id: request.id, value: this.#status() });
        break;
      case "forget":
        this.#reads.delete(request.id);
        this.#handovers.forget(request.id);
        this.#replica.forgetRead(request.id);
        break;
      case "close":
        this.close();
        break;
      case "die":
        // The thread itself obeys that, before it gets here.
        break;
      default:
        this.#reads.set(request.id, request);
        this.#replica.read(request.id);
    }
  }

  #readable(id: number): void {
    const request = this.#reads.get(id);
    if (request === undefined) return;
    this.#reads.delete(id);
    this.#say({ kind: "value", id, value: this.#valueOf(request) });
  }

  #valueOf(request: ReadRequest): Value {
    const { machine } = this.#replica;
    switch (request.kind) {
      case "loadHighWater":
        return machine.highWater;
      case "loadSequence":
        return machine.sequence(request.key);
      case "loadLeases":
        return machine.leases();
      case "members":
        return this.#replica.members();
      case "confirm":
        return this.#replica.reign === request.term;
      default:
        return request satisfies never;
    }
  }

  /** The end of a reign is in shared memory before anybody is told of it, and before anything leaves this node. */
  #leadership(state: Leadership): void {
    this.#term = state.term;
    if (state.role === "leader") {
      this.#reigns += 1;
      this.#tenure.begin(state.term);
    } else this.#tenure.end();
    this.#last = state;
    this.#say({ kind: "leadership", state: this.#forServing(state) });
    this.#log("info", { term: state.term }, inWords(state));
  }

  /** A node that joins hears its leader before it knows the members, so it says again where clients find it. */
  #membersChanged(): void {
    this.#transport?.setPeers(this.#peers());
    this.#countVoters();
    if (this.#last?.role === "follower") this.#say({ kind: "leadership", state: this.#forServing(this.#last) });
  }

  /** M5: two voters are no better than one, since both are needed. */
  #countVoters(): void {
    // The first members are told of while the replica is being made.
    const voters = this.#replica?.members().filter(({ role }) => role === "voter").length;
    if (voters === 2 && this.#voters !== 2) {
      this.#log("warn", {}, "the cluster has two voters and needs both of them; add a third");
    }
    this.#voters = voters;
  }

  #forServing(state: Leadership): ThreadLeadership {
    switch (state.role) {
      case "leader":
        return { role: "leader", term: state.term };
      case "follower":
        return { role: "follower", term: state.term, endpoint: this.#clientEndpoint(state.leader) };
      case "unknown":
        return { role: "unknown" };
      default:
        return state satisfies never;
    }
  }

  #clientEndpoint(id: NodeId): string | undefined {
    // The first leader is told of while the replica is being made.
    return this.#replica?.machine.member(id)?.clientEndpoint;
  }

  #met(hello: Hello): void {
    if (this.#addresses.hear(hello, this.#replica.machine)) this.#transport?.setPeers(this.#peers());
    if (!this.#peers().has(hello.nodeId)) {
      this.#log(
        "warn",
        { peer: hello.nodeId },
        "a node calls whose address is not known here yet; if it is a member and stays unknown, name it among the peers",
      );
    }
    const before = this.#meetings.complete;
    const problem = this.#meetings.hear(hello);
    if (problem !== undefined) this.#log("error", { peer: hello.nodeId }, problem);
    if (!before && this.#meetings.complete) this.#log("info", {}, "all first members have met; this node takes part");
  }

  #refused(by: NodeId, refusal: PeerRefusal): void {
    const { message } = refusal;
    if (this.#endsThisNode(by, refusal)) this.#fail(`node ${by} refuses this node: ${message}`);
    else this.#tellRefusal(by, refusal, "a peer refuses this node");
  }

  #tellRefusal(peer: NodeId, { reason, message }: PeerRefusal, what: string): void {
    if (!this.#refusalNews.isNews(`${what} ${peer} ${message}`)) return;
    this.#log(isPassing(reason) ? "info" : "error", { peer, reason }, `${what}: ${message}`);
  }

  #endsThisNode(by: NodeId, refusal: PeerRefusal): boolean {
    const { machine, id } = this.#replica;
    const isEstablished = this.#meetings.isEstablished(machine.member(id)?.storageId);
    return isFatalRefusal(refusal, { isEstablished, disk: this.#diskOf(by) });
  }

  #diskOf(id: NodeId): string | undefined {
    return this.#replica.machine.member(id)?.storageId ?? this.#meetings.storageOf(id);
  }

  #peers(): ReadonlyMap<NodeId, string> {
    return this.#addresses.all(this.#replica.machine);
  }

  #status(): ThreadStatus {
    const { identity, bootCount, logBytes } = this.#storage;
    const { hardState, softState, applied } = this.#replica.status();
    return {
      nodeId: identity.nodeId,
      clusterId: identity.clusterId,
      storageId: identity.storageId,
      bootCount,
      peerPort: this.#transport?.port ?? 0,
      term: hardState.term,
      leader: softState.lead === None ? 0 : softState.lead,
      role: this.#role(softState.raftState),
      commit: hardState.commit,
      applied,
      logBytes,
      connectedPeers: this.#transport?.connected() ?? [],
      missing: this.#meetings.awaited(),
      stalls: this.#ticker?.stalls ?? 0,
      reigns: this.#reigns,
    };
  }

  #role(state: string): ThreadStatus["role"] {
    if (!this.#meetings.complete) return "forming";
    if (state === "StateLeader") return "leader";
    if (state !== "StateFollower") return "candidate";
    const self = this.#replica.members().find(({ id }) => id === this.#replica.id);
    return self?.role === "voter" ? "follower" : "learner";
  }

  #log(level: LogLevel, fields: object, message: string): void {
    this.#say({ kind: "log", level, fields, message });
  }
}
