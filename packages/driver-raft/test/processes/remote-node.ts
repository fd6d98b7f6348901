// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  type DenseSequences,
  type DriverCapabilities,
  type DriverMetric,
  type LeaderState,
  LeadershipCell,
  type LeaseStore,
  type MembershipAdmin,
  type Tenure,
} from "@tsoracle/consensus";
import type { Epoch, PeerEndpoint, PhysicalMs } from "@tsoracle/core";
import { type RaftDriverOptions, raftCapabilitiesOf } from "../../src/index.ts";
import type { KitNode } from "../kit-node.ts";
import { errorFrom, type HostProcess, type Notice } from "./host-process.ts";
import type { Method, WireState } from "./messages.ts";

/** A node of a cluster in a process of its own. */
export class RemoteNode implements KitNode {
  readonly name = "raft";
  readonly capabilities: DriverCapabilities;
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly membership: MembershipAdmin;
  readonly #host: HostProcess;
  readonly #giveBack: () => void;
  readonly #cell = new LeadershipCell();
  readonly #tenures = new Map<number, Tenure>();
  #driver = 0;
  #disposal: Promise<void> | undefined;

  private constructor(host: HostProcess, options: RaftDriverOptions, giveBack: () => void) {
    this.#host = host;
    this.#giveBack = giveBack;
    this.capabilities = raftCapabilitiesOf(options.freshness ?? "confirm");
    this.sequences = {
      load: (key, call) => this.#call("sequences.load", [key], call) as Promise<bigint>,
      advance: (entries, epoch, call) => this.#call("sequences.advance", [entries, epoch], call) as Promise<bigint[]>,
    };
    this.leases = {
      load: (call) => this.#call("leases.load", [], call) as ReturnType<LeaseStore["load"]>,
      replace: (live, epoch, call) => this.#call("leases.replace", [live, epoch], call) as Promise<void>,
    };
    this.membership = {
      members: (call) => this.#call("membership.members", [], call) as ReturnType<MembershipAdmin["members"]>,
      leader: (call) => this.#call("membership.leader", [], call) as ReturnType<MembershipAdmin["leader"]>,
      addLearner: (member, call) => this.#call("membership.addLearner", [member], call) as Promise<void>,
      promote: (id, call) => this.#call("membership.promote", [id], call) as Promise<void>,
      remove: (id, call) => this.#call("membership.remove", [id], call) as Promise<void>,
      transfer: (to, call) => this.#call("membership.transfer", [to], call) as Promise<void>,
    };
  }

  /** @param giveBack what happens to the host when it has no open node any more and is still alive */
  static async open(host: HostProcess, options: RaftDriverOptions, giveBack: () => void): Promise<RemoteNode> {
    const node = new RemoteNode(host, options, giveBack);
    try {
      node.#driver = await host.open(options, (notice) => node.#hear(notice));
    } catch (error) {
      giveBack();
      throw error;
    }
    return node;
  }

  get closed(): boolean {
    return this.#disposal !== undefined;
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#cell.read(options);
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.#call("loadHighWater", [], options) as Promise<PhysicalMs>;
  }

  persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    return this.#call("persistHighWater", [atLeast, epoch], options) as Promise<PhysicalMs>;
  }

  async resign(reason: string): Promise<void> {
    await this.#call("resign", [reason]);
  }

  metrics(options?: CallOptions): Promise<readonly DriverMetric[]> {
    return this.#call("metrics", [], options) as Promise<readonly DriverMetric[]>;
  }

  /** kill -9 of the process. */
  async terminate(): Promise<void> {
    this.#disposal ??= this.#host.kill();
    await this.#disposal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#call("dispose", []).then(() => this.#giveBack());
    await this.#disposal;
  }

  #call(method: Method, args: readonly unknown[], { signal }: CallOptions = {}): Promise<unknown> {
    return this.#host.call(this.#driver, method, args, signal);
  }

  #hear(notice: Notice): void {
    if (notice.kind === "state") this.#cell.set(this.#state(notice.state));
    else this.#cell.close(notice.error === undefined ? undefined : errorFrom(notice.error));
  }

  #state(state: WireState): LeaderState {
    switch (state.role) {
      case "leader":
        return { role: "leader", epoch: state.epoch as Epoch, tenure: this.#tenure(state) };
      case "follower":
        return {
          role: "follower",
          leaderEndpoint: state.leaderEndpoint as PeerEndpoint | undefined,
          leaderEpoch: state.leaderEpoch as Epoch | undefined,
        };
      case "unknown":
        return state;
      default:
        return state satisfies never;
    }
  }

  #tenure({ tenure: number, confirms }: Extract<WireState, { readonly role: "leader" }>): Tenure {
    const known = this.#tenures.get(number);
    if (known !== undefined) return known;
    const valid = (): boolean => this.#host.tenureHolds(number);
    const confirm = (options?: CallOptions) => this.#call("tenure.confirm", [number], options) as Promise<boolean>;
    const tenure: Tenure = confirms ? { valid, confirm } : { valid };
    this.#tenures.set(number, tenure);
    return tenure;
  }
}
