// SPDX-License-Identifier: Apache-2.0
import type { EtcdStore, Granted, Watching, WatchListener } from "../src/client/etcd-store.ts";
import { EtcdFailure } from "../src/failure.ts";
import type {
  Compare,
  KeyValue,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseHeader,
  ResponseOp,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
} from "../src/wire/messages.ts";
import type { World } from "./simulated-world.ts";

const CLUSTER = 77n;
const order = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

interface Watcher {
  readonly key: string;
  readonly onlyDeletions: boolean;
  readonly tell: (type: number, kv: KeyValue) => void;
}

/** What the driver needs of etcd, dumb and in memory: one linear history, leases by true time, watches. */
export class SimulatedEtcd {
  readonly keys = new Map<string, KeyValue>();
  readonly #leases = new Map<bigint, { ttlMs: number; endsMs: number }>();
  readonly #watchers = new Set<Watcher>();
  readonly #world: World;
  #revision = 1n;
  #lastLease = 1_000n;

  constructor(world: World) {
    this.#world = world;
  }

  get header(): ResponseHeader {
    return { clusterId: CLUSTER, memberId: 1n, revision: this.#revision };
  }

  grant(ttlSeconds: bigint): Granted {
    this.#lastLease += 1n;
    this.#leases.set(this.#lastLease, { ttlMs: Number(ttlSeconds) * 1_000, endsMs: 0 });
    this.keepAlive(this.#lastLease);
    return { id: this.#lastLease, ttlSeconds };
  }

  keepAlive(id: bigint): bigint {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0n;
    // etcd's own clock runs as it likes, and it looks only now and then.
    lease.endsMs = this.#world.nowMs + lease.ttlMs * (0.8 + this.#world.random() * 0.5);
    return BigInt(lease.ttlMs / 1_000);
  }

  revoke(id: bigint): void {
    this.#leases.delete(id);
    const gone = [...this.keys.values()].filter(({ lease }) => lease === id);
    if (gone.length > 0) this.#revision += 1n;
    for (const { key } of gone) this.#delete(key);
  }

  expire(): void {
    for (const [id, { endsMs }] of this.#leases) if (endsMs <= this.#world.nowMs) this.revoke(id);
  }

  deleteKey(key: string): void {
    const found = this.keys.get(key);
    if (found === undefined) return;
    this.#revision += 1n;
    this.#delete(found.key);
  }

  range(request: RangeRequest): RangeResponse {
    const { key, rangeEnd, maxCreateRevision, limit, sortOrder, sortTarget } = request;
    let kvs = [...this.keys.values()].filter(({ key: k }) =>
      rangeEnd === undefined ? order(k, key) === 0 : order(k, key) >= 0 && order(k, rangeEnd) < 0,
    );
    if (maxCreateRevision !== undefined) kvs = kvs.filter(({ createRevision }) => createRevision <= maxCreateRevision);
    if (sortTarget === 2) kvs.sort((a, b) => Number(a.createRevision - b.createRevision) * (sortOrder === 2 ? -1 : 1));
    return { header: this.header, kvs: kvs.slice(0, Number(limit ?? 1_000n)), more: false, count: BigInt(kvs.length) };
  }

  txn({ compare, success, failure }: TxnRequest): TxnResponse {
    const succeeded = compare.every((each) => this.#holds(each));
    const ops = succeeded ? success : failure;
    if (ops.some(({ put, deleteRange }) => put !== undefined || deleteRange !== undefined)) this.#revision += 1n;
    const responses = ops.map((op) => this.#carryOut(op));
    return { header: this.header, succeeded, responses };
  }

  watch({ key, filters }: WatchCreateRequest, tell: Watcher["tell"]): () => void {
    const watcher = { key: Buffer.from(key).toString(), onlyDeletions: filters.includes(0), tell };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #carryOut({ range, put, deleteRange }: RequestOp): ResponseOp {
    if (deleteRange !== undefined) this.#delete(deleteRange.key);
    if (put !== undefined) {
      const name = Buffer.from(put.key).toString();
      const createRevision = this.keys.get(name)?.createRevision ?? this.#revision;
      const lease = put.lease ?? 0n;
      const kv = { key: put.key, value: put.value, createRevision, modRevision: this.#revision, lease };
      this.keys.set(name, kv);
      this.#tell(0, kv);
    }
    return range === undefined ? {} : { range: this.range(range) };
  }

  #delete(key: Uint8Array): void {
    const name = Buffer.from(key).toString();
    if (!this.keys.delete(name)) return;
    this.#tell(1, { key, value: new Uint8Array(), createRevision: 0n, modRevision: this.#revision, lease: 0n });
  }

  #tell(type: number, kv: KeyValue): void {
    const name = Buffer.from(kv.key).toString();
    for (const watcher of this.#watchers) {
      if (watcher.key === name && (type === 1 || !watcher.onlyDeletions)) watcher.tell(type, kv);
    }
  }

  #holds({ target, result, key, createRevision = 0n, modRevision = 0n, value }: Compare): boolean {
    const kv = this.keys.get(Buffer.from(key).toString());
    if (target === 1) return (kv?.createRevision ?? 0n) === createRevision;
    if (target === 2) return (kv?.modRevision ?? 0n) === modRevision;
    if (kv === undefined || value === undefined) return false;
    return result === 1 ? order(kv.value, value) > 0 : result === 2 && order(kv.value, value) < 0;
  }
}

/** One node's way to it: answers are late, lost, or both ways are cut. */
export class SimulatedLink implements EtcdStore {
  readonly clusterId = CLUSTER;
  isCut = false;
  readonly #etcd: SimulatedEtcd;
  readonly #world: World;
  readonly #timeoutMs: number;
  #halted: EtcdFailure | undefined;
  #onHalt: (failure: EtcdFailure) => void = () => {};

  constructor(etcd: SimulatedEtcd, world: World, timeoutMs: number) {
    this.#etcd = etcd;
    this.#world = world;
    this.#timeoutMs = timeoutMs;
  }

  range(request: RangeRequest): Promise<RangeResponse> {
    return this.#call(() => this.#etcd.range(request));
  }

  txn(request: TxnRequest): Promise<TxnResponse> {
    return this.#call(() => this.#etcd.txn(request));
  }

  leaseGrant(ttlSeconds: bigint): Promise<Granted> {
    return this.#call(() => this.#etcd.grant(ttlSeconds));
  }

  leaseRevoke(id: bigint): Promise<void> {
    return this.#call(() => this.#etcd.revoke(id));
  }

  keepAlive(id: bigint): Promise<bigint> {
    return this.#call(() => this.#etcd.keepAlive(id));
  }

  watch(create: WatchCreateRequest, { onEvent, onEnd }: WatchListener): Watching {
    let over = false;
    const stop = this.#etcd.watch(create, (type, kv) => {
      this.#world.in(this.#delayMs(), () => {
        if (over) return;
        if (!this.isCut && this.#world.random() < 0.95) return onEvent({ type, kv });
        over = true;
        stop();
        onEnd("the simulated stream broke");
      });
    });
    return {
      stop: () => {
        over = true;
        stop();
      },
    };
  }

  halt(failure: EtcdFailure): EtcdFailure {
    this.#halted ??= failure;
    this.#onHalt(failure);
    return failure;
  }

  onHalt(listener: (failure: EtcdFailure) => void): void {
    this.#onHalt = listener;
  }

  close(): void {}

  /** The request may be lost, the answer may be lost, and the request may arrive after it was given up. */
  #call<T>(carryOut: () => T): Promise<T> {
    if (this.#halted !== undefined) return Promise.reject(this.#halted);
    return new Promise((resolve, reject) => {
      const lost = new EtcdFailure("no answer", { outcome: "unknown", kind: "transient", alarm: false });
      this.#world.in(this.#timeoutMs, () => reject(lost));
      const [isLost, isAnswerLost] = [this.#world.random() < 0.03, this.#world.random() < 0.05];
      if (this.isCut || isLost) return;
      const lateMs = this.#world.random() < 0.03 ? this.#timeoutMs * 2 * this.#world.random() : this.#delayMs();
      this.#world.in(lateMs, () => {
        const answer = carryOut();
        if (!this.isCut && !isAnswerLost) this.#world.in(this.#delayMs(), () => resolve(answer));
      });
    });
  }

  #delayMs(): number {
    return 0.2 + this.#world.random() * 3;
  }
}
