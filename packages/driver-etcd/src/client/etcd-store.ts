// SPDX-License-Identifier: Apache-2.0
import type { EtcdFailure } from "../failure.ts";
import type {
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
  WatchEvent,
} from "../wire/messages.ts";

/** What the driver asks of etcd. All reads are linearizable. Every method but `watch` rejects with {@link EtcdFailure}. */
export interface EtcdStore {
  range(request: RangeRequest): Promise<RangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  leaseGrant(ttlSeconds: bigint): Promise<Granted>;
  /** A lease that is gone already is revoked. */
  leaseRevoke(id: bigint): Promise<void>;
  /** Resolves to the TTL that the lease has again; zero or less where it is gone. */
  keepAlive(id: bigint): Promise<bigint>;
  watch(create: WatchCreateRequest, listener: WatchListener): Watching;
  /** The cluster that answered, once one has. */
  readonly clusterId: bigint | undefined;
  /** Ends the use of this store for good: every call from now on rejects with `failure`. Returns it. */
  halt(failure: EtcdFailure): EtcdFailure;
  /** Hears of the end, however it came. */
  onHalt(listener: (failure: EtcdFailure) => void): void;
  close(): void;
}

export interface Granted {
  readonly id: bigint;
  readonly ttlSeconds: bigint;
}

/** Hears of the events of a watch until it has ended, for whatever reason: compaction, a lost connection, no leader. */
export interface WatchListener {
  onEvent(event: WatchEvent): void;
  onEnd(reason: string): void;
}

export interface Watching {
  /** Ends it; the listener hears nothing any more. */
  stop(): void;
}
