// SPDX-License-Identifier: Apache-2.0
import { Worker } from "node:worker_threads";
import {
  type CallOptions,
  Calls,
  type ConsensusDriver,
  ConsensusError,
  type DenseSequences,
  type DriverCapabilities,
  type DriverMetric,
  type LeaderState,
  LeadershipCell,
  LeaseClock,
  type LeaseStore,
  type MembershipAdmin,
  rejectOutOfRangeAdvance,
} from "@tsoracle/consensus";
import type { Epoch, LeaseRecord, PeerEndpoint, PhysicalMs } from "@tsoracle/core";
import { raftCapabilitiesOf } from "../capabilities.ts";
import { epochOfTerm } from "./machine/machine.ts";
import { RaftMembership } from "./membership.ts";
import { raftMetrics } from "./metrics.ts";
import type { RaftDriverConfig } from "./options.ts";
import { PendingCalls } from "./pending-calls.ts";
import { confirmedTenure, leaseTenure, usableLeaseMs } from "./raft-tenure.ts";
import { TenureCell } from "./tenure-cell.ts";
import type { Reply, Request, ThreadLeadership, ThreadOptions, ThreadStatus } from "./thread-protocol.ts";

/** The driver over an embedded Raft node. */
export interface RaftDriver extends ConsensusDriver {
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly membership: MembershipAdmin;
  /** The port on which peers reach this node. */
  readonly peerPort: number;
  resign(reason: string): Promise<void>;
  /** What the node says of itself, now. */
  status(options?: CallOptions): Promise<ThreadStatus>;
  /** The same, as numbers. */
  metrics(options?: CallOptions): Promise<readonly DriverMetric[]>;
}

/** How long a resignation waits for somebody to take over; the reign is over at once either way. */
const HANDOVER_POLLS_PER_ELECTION = 2;

/** The serving thread's side: the contract over a message port and one cell of shared memory. */
export class OpenRaftDriver implements RaftDriver {
  readonly name = "raft";
  readonly capabilities: DriverCapabilities;
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly membership: MembershipAdmin;
  readonly #config: RaftDriverConfig;
  readonly #tenure = new TenureCell();
  readonly #clock = new LeaseClock();
  readonly #cell = new LeadershipCell();
  readonly #calls = new Calls("raft");
  readonly #pending: PendingCalls;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #started: ThreadStatus | undefined;
  #failure: ConsensusError | undefined;
  #disposal: Promise<void> | undefined;

  private constructor(config: RaftDriverConfig, listen: { readonly host: string; readonly port: number }) {
    this.#config = config;
    this.capabilities = raftCapabilitiesOf(config.freshness);
    // Flags of the process, such as loaders and import conditions, are meant for its own modules.
    this.#worker = new Worker(workerUrl(), { workerData: this.#threadOptions(listen), execArgv: [] });
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    this.#pending = new PendingCalls((request) => this.#tell(request), config.opTimeoutMs);
    this.sequences = {
      load: (key, options) => this.#ask(options, (id) => ({ kind: "loadSequence", id, key }), "read"),
      advance: (entries, epoch, options) => this.#sequences(entries, epoch, options),
    };
    this.leases = {
      load: (options) => this.#ask(options, (id) => ({ kind: "loadLeases", id }), "read"),
      replace: (live, epoch, options) => this.#replaceLeases(live, epoch, options),
    };
    this.membership = new RaftMembership((options, make, mode) => this.#ask(options, make, mode));
  }

  /** Starts the consensus thread and resolves when the node takes part. */
  static async open(
    config: RaftDriverConfig,
    listen: { readonly host: string; readonly port: number },
  ): Promise<OpenRaftDriver> {
    const driver = new OpenRaftDriver(config, listen);
    await driver.#start();
    return driver;
  }

  get peerPort(): number {
    return this.#started?.peerPort ?? 0;
  }

  /** Whether disposal has begun. */
  get closed(): boolean {
    return this.#disposal !== undefined;
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#cell.read(options);
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.#ask(options, (id) => ({ kind: "loadHighWater", id }), "read");
  }

  async persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    rejectOutOfRangeAdvance(atLeast);
    const outcome = await this.#ask<{ readonly highWater: PhysicalMs }>(
      options,
      (id) => ({ kind: "advance", id, atLeast, epoch }),
      "write",
    );
    return outcome.highWater;
  }

  status(options?: CallOptions): Promise<ThreadStatus> {
    return this.#ask(options, (id) => ({ kind: "status", id }), "read");
  }

  async metrics(options?: CallOptions): Promise<readonly DriverMetric[]> {
    return raftMetrics(await this.status(options));
  }

  /**
   * The reign is over when it resolves. If somebody was there to take over, it has also waited for them, for up to two
   * election timeouts. A node that is alone leads again after an election timeout, in another epoch.
   */
  async resign(_reason: string): Promise<void> {
    if (this.#cell.current.role !== "leader") return;
    const begun = await this.#ask<boolean>(undefined, (id) => ({ kind: "transfer", id, to: undefined }), "read");
    if (!begun) return;
    const { electionTicks, heartbeatMs } = this.#config.terms;
    const signal = AbortSignal.timeout(HANDOVER_POLLS_PER_ELECTION * electionTicks * heartbeatMs);
    for await (const state of this.#cell.read({ signal })) if (state.role === "follower") return;
  }

  /** Ends the consensus thread on the spot, as the end of the process would. For tests. */
  async terminate(): Promise<void> {
    const end = new ConsensusError(
      "transient",
      "the consensus thread was terminated; its calls may have been carried out",
    );
    // `Worker.terminate` can end the thread within a callback of http2, and then Node itself aborts.
    if (this.#disposal === undefined) this.#tell({ kind: "die" });
    this.#disposal ??= this.#exited.then(() => this.#end(end));
    await this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#calls.close();
    this.#cell.close();
    this.#tell({ kind: "close" });
    await this.#exited;
  }

  #threadOptions(listen: { readonly host: string; readonly port: number }): ThreadOptions {
    const { directory, peers, tls, allowInsecurePeer, terms, nodeId, clusterId, seqKeyCap, takeOverLock } =
      this.#config;
    return {
      directory,
      listen,
      peers,
      tls,
      allowInsecurePeer,
      heartbeatMs: terms.heartbeatMs,
      electionTicks: terms.electionTicks,
      timing: `${terms.heartbeatMs}/${terms.electionTicks}/${terms.drift}`,
      expectNodeId: nodeId,
      expectClusterId: clusterId,
      seqKeyCap,
      takeOverLock,
      tenure: this.#tenure.memory,
    };
  }

  async #start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#worker.on("message", (reply: Reply) => {
        this.#hear(reply);
        if (this.#started !== undefined) resolve();
        else if (this.#failure !== undefined) reject(this.#failure);
      });
      this.#worker.on("error", (error) => this.#fail(`the consensus thread broke: ${error.message}`));
      void this.#exited.then(() => {
        if (this.#disposal === undefined) this.#fail("the consensus thread ended");
        if (this.#failure !== undefined) reject(this.#failure);
      });
    });
  }

  #tell(request: Request): void {
    this.#worker.postMessage(request);
  }

  #hear(reply: Reply): void {
    switch (reply.kind) {
      case "started":
        this.#started = reply.status;
        break;
      case "leadership":
        this.#cell.set(this.#leaderState(reply.state));
        break;
      case "answer":
        this.#pending.answered(reply.id, reply.answer, reply.term);
        break;
      case "value":
        this.#pending.value(reply.id, reply.value);
        break;
      case "log":
        this.#config.log[reply.level](reply.fields, reply.message);
        break;
      case "failed":
        this.#fail(reply.message);
        break;
      default:
        reply satisfies never;
    }
  }

  #fail(message: string): void {
    this.#end(new ConsensusError("permanent", message));
  }

  #end(failure: ConsensusError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#tenure.end();
    this.#pending.fail(this.#failure);
    this.#cell.close(this.#failure);
  }

  #leaderState(state: ThreadLeadership): LeaderState {
    switch (state.role) {
      case "leader":
        return { role: "leader", epoch: epochOfTerm(state.term), tenure: this.#tenureOf(state.term) };
      case "follower": {
        const leaderEndpoint = state.endpoint as PeerEndpoint | undefined;
        return { role: "follower", leaderEndpoint, leaderEpoch: epochOfTerm(state.term) };
      }
      case "unknown":
        return { role: "unknown" };
      default:
        return state satisfies never;
    }
  }

  #tenureOf(term: number): ReturnType<typeof leaseTenure> {
    const { freshness, terms } = this.#config;
    if (freshness === "lease") return leaseTenure(term, this.#tenure, this.#clock, usableLeaseMs(terms));
    return confirmedTenure(term, this.#tenure, (reign, options) =>
      this.#ask(options, (id) => ({ kind: "confirm", id, term: reign }), "read"),
    );
  }

  async #sequences(...[entries, epoch, options]: Parameters<DenseSequences["advance"]>): Promise<readonly bigint[]> {
    const outcome = await this.#ask<{ readonly starts: readonly bigint[] }>(
      options,
      (id) => ({ kind: "sequences", id, entries, epoch }),
      "write",
    );
    return outcome.starts;
  }

  async #replaceLeases(...[live, epoch, options]: Parameters<LeaseStore["replace"]>): Promise<void> {
    const sorted: readonly LeaseRecord[] = [...live].sort((a, b) => (a.leaseId < b.leaseId ? -1 : 1));
    await this.#ask(options, (id) => ({ kind: "leases", id, live: sorted, epoch }), "write");
  }

  #ask<T>(options: CallOptions | undefined, make: (id: number) => Request, mode: "read" | "write"): Promise<T> {
    return this.#calls.run(options, () => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.#pending.start<T>(make, mode);
    });
  }
}

/** The compiled entry of the thread, also when this file runs from its source, which a thread cannot load. */
function workerUrl(): URL {
  return import.meta.url.endsWith(".ts")
    ? new URL("../../dist/node/worker.js", import.meta.url)
    : new URL("./worker.js", import.meta.url);
}
