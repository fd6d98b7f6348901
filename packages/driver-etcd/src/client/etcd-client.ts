// SPDX-License-Identifier: Apache-2.0
import type { Endpoint } from "../access.ts";
import { classify, isLeaseGone } from "../classify.ts";
import { EtcdFailure } from "../failure.ts";
import type { DriverLog } from "../log.ts";
import type { ClientConfig } from "../options.ts";
import { versionObjection } from "../version.ts";
import type {
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  StatusResponse,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
} from "../wire/messages.ts";
import { AUTHENTICATE, LEASE_GRANT, LEASE_REVOKE, type Method, RANGE, STATUS, TXN } from "../wire/methods.ts";
import { type ChannelCall, EtcdChannel, RpcFailure } from "./channel.ts";
import type { EtcdStore, Granted, Watching, WatchListener } from "./etcd-store.ts";
import { readable } from "./readable.ts";
import { openWatch } from "./watch.ts";
import { Witness } from "./witness.ts";

/** A member as this process knows it. */
interface Member {
  readonly endpoint: Endpoint;
  /** Made anew when a member is come back to: where there are others, a connection that failed is not kept. */
  channel: EtcdChannel;
  /** The member was asked what it is since this process last moved on to it. */
  checked: Promise<void> | undefined;
}

/**
 * The cluster, through one member at a time. A call is sent once; when its member fails it, the next call goes to the
 * next member. Every answer must come from the pinned cluster (G2), and the answers that are linearizable must not show
 * an older revision than those before them.
 */
export class EtcdClient implements EtcdStore {
  readonly #config: ClientConfig;
  readonly #log: DriverLog;
  readonly #members: readonly Member[];
  readonly #witness: Witness;
  #at = 0;
  #token: Promise<string | undefined> | undefined;
  #version = "";
  #halted: EtcdFailure | undefined;
  #onHalt: (failure: EtcdFailure) => void = () => {};

  constructor(config: ClientConfig, log: DriverLog) {
    this.#config = config;
    this.#log = log;
    this.#members = config.endpoints.map((endpoint) => ({
      endpoint,
      channel: new EtcdChannel(endpoint, config.tls),
      checked: undefined,
    }));
    this.#witness = new Witness(config.clusterId);
  }

  get clusterId(): bigint | undefined {
    return this.#witness.clusterId;
  }

  /** Of the member that was asked last. */
  get version(): string {
    return this.#version;
  }

  onHalt(listener: (failure: EtcdFailure) => void): void {
    this.#onHalt = listener;
  }

  halt(failure: EtcdFailure): EtcdFailure {
    if (this.#halted === undefined) {
      this.#halted = failure;
      this.#onHalt(failure);
    }
    return failure;
  }

  range(request: RangeRequest): Promise<RangeResponse> {
    return this.#linearized(RANGE, request);
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#linearized(TXN, request);
  }

  async leaseGrant(ttlSeconds: bigint): Promise<Granted> {
    const { id, ttlSeconds: granted } = await this.#unary(LEASE_GRANT, { ttlSeconds });
    return { id, ttlSeconds: granted };
  }

  async leaseRevoke(id: bigint): Promise<void> {
    try {
      await this.#unary(LEASE_REVOKE, { id });
    } catch (error) {
      if (!(error instanceof EtcdFailure && error.cause instanceof RpcFailure && isLeaseGone(error.cause))) throw error;
    }
  }

  async keepAlive(id: bigint): Promise<bigint> {
    try {
      const kept = await this.#call((channel, call) => channel.keepAlive(id, call));
      return kept.ttlSeconds;
    } catch (error) {
      if (error instanceof EtcdFailure && error.cause instanceof RpcFailure && isLeaseGone(error.cause)) return 0n;
      throw error;
    }
  }

  watch(create: WatchCreateRequest, listener: WatchListener): Watching {
    return openWatch(listener, async () => {
      const member = await this.#usable();
      const token = await this.#authenticated(member);
      return {
        stream: member.channel.watch({ create }, token),
        check: (header: ResponseHeader) => this.#checkCluster(header),
        failed: () => this.#moveOn(member),
      };
    });
  }

  close(): void {
    this.#halted ??= EtcdFailure.permanent("this driver was disposed");
    for (const { channel } of this.#members) channel.close();
  }

  async #linearized<Q, R extends { readonly header: ResponseHeader }>(method: Method<Q, R>, request: Q): Promise<R> {
    let before = 0n;
    const response = await this.#call((channel, call) => {
      before = this.#witness.revision;
      return channel.unary(method, request, call);
    });
    this.#guarded(() => this.#witness.checkRevision(response.header, before));
    return response;
  }

  #unary<Q, R extends { readonly header: ResponseHeader }>(method: Method<Q, R>, request: Q): Promise<R> {
    return this.#call((channel, call) => channel.unary(method, request, call));
  }

  /** Sends a call once, and a second time only if etcd refused it for its token. */
  async #call<R extends { readonly header: ResponseHeader }>(
    send: (channel: EtcdChannel, call: ChannelCall) => Promise<R>,
  ): Promise<R> {
    const member = await this.#usable();
    for (let attempt = 1; ; attempt += 1) {
      const token = await this.#authenticated(member);
      if (this.#halted !== undefined) throw this.#halted;
      try {
        const response = await send(member.channel, { timeoutMs: this.#config.opTimeoutMs, token });
        this.#checkCluster(response.header);
        return response;
      } catch (error) {
        const failure = this.#judge(member, error);
        if (failure.verdict.renewToken !== true || attempt > 1) throw failure;
        this.#token = undefined;
      }
    }
  }

  /** The member of now, or the next one that is what it should be. */
  async #usable(): Promise<Member> {
    let worst: unknown;
    for (let attempt = 0; attempt < this.#members.length; attempt += 1) {
      if (this.#halted !== undefined) throw this.#halted;
      const member = this.#members[this.#at] as Member;
      try {
        member.checked ??= this.#check(member);
        await member.checked;
        return member;
      } catch (error) {
        // Members that may come back outweigh one that is wrong.
        if (worst === undefined || !(error instanceof EtcdFailure && error.isPermanent)) worst = error;
        this.#moveOn(member);
      }
    }
    throw worst;
  }

  async #check(member: Member): Promise<void> {
    let status: StatusResponse;
    try {
      const token = await this.#authenticated(member);
      status = await member.channel.unary(STATUS, {}, { timeoutMs: this.#config.opTimeoutMs, token });
    } catch (error) {
      const failure = this.#judge(member, error);
      if (failure.verdict.renewToken === true) this.#token = undefined;
      throw failure;
    }
    this.#version = status.version;
    const objection = versionObjection(status.version);
    if (objection !== undefined) throw EtcdFailure.permanent(`${member.endpoint.address}: ${objection}`);
    this.#checkCluster(status.header);
    if (status.leader === 0n) {
      throw new EtcdFailure(`${member.endpoint.address} knows of no leader of its cluster`, {
        outcome: "not_done",
        kind: "transient",
        alarm: false,
      });
    }
  }

  async #authenticated(member: Member): Promise<string | undefined> {
    const { username, password } = this.#config;
    if (username === undefined || password === undefined) return undefined;
    const token = this.#token ?? this.#authenticate(member, username, password);
    this.#token = token;
    try {
      return await token;
    } catch (error) {
      if (this.#token === token) this.#token = undefined;
      throw error;
    }
  }

  async #authenticate(member: Member, name: string, password: string): Promise<string | undefined> {
    const call = { timeoutMs: this.#config.opTimeoutMs, token: undefined };
    try {
      return (await member.channel.unary(AUTHENTICATE, { name, password }, call)).token;
    } catch (error) {
      if (error instanceof RpcFailure && /authentication is not enabled/.test(error.details)) {
        this.#log.warn({ etcd: member.endpoint.address }, "etcd runs without authentication; credentials are not used");
        return undefined;
      }
      throw this.#judge(member, error);
    }
  }

  #judge(member: Member, error: unknown): EtcdFailure {
    if (error instanceof EtcdFailure) return error;
    if (!(error instanceof RpcFailure)) throw error;
    const verdict = classify(error);
    if (verdict.moveOn === true) this.#moveOn(member);
    const advice = verdict.advice === undefined ? "" : `; ${verdict.advice}`;
    return new EtcdFailure(`etcd at ${member.endpoint.address}: ${readable(error.details)}${advice}`, verdict, error);
  }

  /**
   * Leaves a member, unless that was done already, and looks at the next one anew. Its connection goes: etcd takes the
   * keep-alives of one that is not used for an attack (L5).
   */
  #moveOn(from: Member): void {
    from.checked = undefined;
    if (this.#members.length === 1 || this.#members[this.#at] !== from) return;
    this.#at = (this.#at + 1) % this.#members.length;
    from.channel.close();
    from.channel = new EtcdChannel(from.endpoint, this.#config.tls);
  }

  #checkCluster(header: ResponseHeader): void {
    this.#guarded(() => this.#witness.checkCluster(header));
  }

  /** What the witness objects to ends the use of this store for good. */
  #guarded(check: () => void): void {
    try {
      check();
    } catch (error) {
      throw error instanceof EtcdFailure ? this.halt(error) : error;
    }
  }
}
