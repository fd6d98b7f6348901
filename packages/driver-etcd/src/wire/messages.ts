// SPDX-License-Identifier: Apache-2.0
// The part of etcd's v3 protocol that the driver speaks, field numbers as in etcd's rpc.proto and kv.proto. Written by
// hand on the wire library (`raft.md` 3.1): some twenty messages that etcd will not change, each beside its type, need no
// code generator and no folder that format, lint and size limits must look away from.
import {
  bool,
  bytes,
  type Codec,
  enumeration,
  enumerations,
  int64,
  message,
  nested,
  optional,
  repeated,
  string,
  uint64,
} from "./codec.ts";

export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: bigint;
}
const header: Codec<ResponseHeader> = message<ResponseHeader>({
  clusterId: uint64(1),
  memberId: uint64(2),
  revision: int64(3),
});

export interface KeyValue {
  readonly key: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly value: Uint8Array;
  readonly lease: bigint;
}
const keyValue: Codec<KeyValue> = message<KeyValue>({
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  value: bytes(5),
  lease: int64(6),
});

export const SORT_ASCEND = 1;
export const SORT_DESCEND = 2;
export const SORT_BY_CREATE = 2;

export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array | undefined;
  readonly limit?: bigint | undefined;
  readonly sortOrder?: number | undefined;
  readonly sortTarget?: number | undefined;
  /** Never set by the driver: a member that lags would answer from the past. */
  readonly serializable?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
  readonly maxCreateRevision?: bigint | undefined;
}
export const rangeRequest: Codec<RangeRequest> = message<RangeRequest>({
  key: bytes(1),
  rangeEnd: optional(bytes(2)),
  limit: optional(int64(3)),
  sortOrder: optional(enumeration(5)),
  sortTarget: optional(enumeration(6)),
  serializable: optional(bool(7)),
  countOnly: optional(bool(9)),
  maxCreateRevision: optional(int64(13)),
});

export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: bigint;
}
export const rangeResponse: Codec<RangeResponse> = message<RangeResponse>({
  header: nested(1, header),
  kvs: repeated(2, keyValue),
  more: bool(3),
  count: int64(4),
});

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: bigint | undefined;
}
const putRequest: Codec<PutRequest> = message<PutRequest>({
  key: bytes(1),
  value: bytes(2),
  lease: optional(int64(3)),
});

export interface DeleteRangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array | undefined;
}
const deleteRangeRequest: Codec<DeleteRangeRequest> = message<DeleteRangeRequest>({
  key: bytes(1),
  rangeEnd: optional(bytes(2)),
});

/** One operation of a transaction: exactly one of the four. */
export interface RequestOp {
  readonly range?: RangeRequest | undefined;
  readonly put?: PutRequest | undefined;
  readonly deleteRange?: DeleteRangeRequest | undefined;
  readonly txn?: TxnRequest | undefined;
}
const requestOp: Codec<RequestOp> = message<RequestOp>({
  range: optional(nested(1, rangeRequest)),
  put: optional(nested(2, putRequest)),
  deleteRange: optional(nested(3, deleteRangeRequest)),
  txn: optional(nested(4, { encode: (value) => txnRequest.encode(value), decode: (from) => txnRequest.decode(from) })),
});

/** What an operation answered; only the answers of ranges are looked at. */
export interface ResponseOp {
  readonly range?: RangeResponse | undefined;
}
const responseOp: Codec<ResponseOp> = message<ResponseOp>({ range: optional(nested(1, rangeResponse)) });

export const EQUAL = 0;
export const GREATER = 1;
export const LESS = 2;
export const TARGET_CREATE = 1;
export const TARGET_MOD = 2;
export const TARGET_VALUE = 3;

export interface Compare {
  readonly result: number;
  readonly target: number;
  readonly key: Uint8Array;
  readonly createRevision?: bigint | undefined;
  readonly modRevision?: bigint | undefined;
  readonly value?: Uint8Array | undefined;
  /** With it, every key of the range must meet the comparison. */
  readonly rangeEnd?: Uint8Array | undefined;
}
const compare: Codec<Compare> = message<Compare>({
  result: enumeration(1),
  target: enumeration(2),
  key: bytes(3),
  createRevision: optional(int64(5)),
  modRevision: optional(int64(6)),
  value: optional(bytes(7)),
  rangeEnd: optional(bytes(64)),
});

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export const txnRequest: Codec<TxnRequest> = message<TxnRequest>({
  compare: repeated(1, compare),
  success: repeated(2, requestOp),
  failure: repeated(3, requestOp),
});

export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}
export const txnResponse: Codec<TxnResponse> = message<TxnResponse>({
  header: nested(1, header),
  succeeded: bool(2),
  responses: repeated(3, responseOp),
});

export interface LeaseGrantRequest {
  readonly ttlSeconds: bigint;
}
export const leaseGrantRequest: Codec<LeaseGrantRequest> = message<LeaseGrantRequest>({ ttlSeconds: int64(1) });

/** Of a grant and of a keep-alive; a TTL of zero or less says that the lease is gone. */
export interface LeaseResponse {
  readonly header: ResponseHeader;
  readonly id: bigint;
  readonly ttlSeconds: bigint;
}
export const leaseResponse: Codec<LeaseResponse> = message<LeaseResponse>({
  header: nested(1, header),
  id: int64(2),
  ttlSeconds: int64(3),
});

/** Of a revocation and of a keep-alive. */
export interface LeaseIdRequest {
  readonly id: bigint;
}
export const leaseIdRequest: Codec<LeaseIdRequest> = message<LeaseIdRequest>({ id: int64(1) });

export interface HeaderResponse {
  readonly header: ResponseHeader;
}
export const headerResponse: Codec<HeaderResponse> = message<HeaderResponse>({ header: nested(1, header) });

export const FILTER_NO_PUT = 0;
export const EVENT_DELETE = 1;

export interface WatchCreateRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array | undefined;
  readonly startRevision: bigint;
  readonly filters: readonly number[];
}
const watchCreateRequest: Codec<WatchCreateRequest> = message<WatchCreateRequest>({
  key: bytes(1),
  rangeEnd: optional(bytes(2)),
  startRevision: int64(3),
  filters: enumerations(5),
});

export interface WatchRequest {
  readonly create: WatchCreateRequest;
}
export const watchRequest: Codec<WatchRequest> = message<WatchRequest>({ create: nested(1, watchCreateRequest) });

export interface WatchEvent {
  readonly type: number;
  readonly kv: KeyValue;
}
const watchEvent: Codec<WatchEvent> = message<WatchEvent>({ type: enumeration(1), kv: nested(2, keyValue) });

export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  readonly events: readonly WatchEvent[];
}
export const watchResponse: Codec<WatchResponse> = message<WatchResponse>({
  header: nested(1, header),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: string(6),
  events: repeated(11, watchEvent),
});

export type StatusRequest = Readonly<Record<never, never>>;
export const statusRequest: Codec<StatusRequest> = message<StatusRequest>({});

export interface StatusResponse {
  readonly header: ResponseHeader;
  readonly version: string;
  /** Zero while the member knows of no leader of the cluster. */
  readonly leader: bigint;
}
export const statusResponse: Codec<StatusResponse> = message<StatusResponse>({
  header: nested(1, header),
  version: string(2),
  leader: uint64(4),
});

export interface AuthenticateRequest {
  readonly name: string;
  readonly password: string;
}
export const authenticateRequest: Codec<AuthenticateRequest> = message<AuthenticateRequest>({
  name: string(1),
  password: string(2),
});

export interface AuthenticateResponse {
  readonly header: ResponseHeader;
  readonly token: string;
}
export const authenticateResponse: Codec<AuthenticateResponse> = message<AuthenticateResponse>({
  header: nested(1, header),
  token: string(2),
});
