// SPDX-License-Identifier: Apache-2.0
import type { Codec } from "./codec.ts";
import {
  type AuthenticateRequest,
  type AuthenticateResponse,
  authenticateRequest,
  authenticateResponse,
  type HeaderResponse,
  headerResponse,
  type LeaseGrantRequest,
  type LeaseIdRequest,
  type LeaseResponse,
  leaseGrantRequest,
  leaseIdRequest,
  leaseResponse,
  type RangeRequest,
  type RangeResponse,
  type ResponseHeader,
  rangeRequest,
  rangeResponse,
  type StatusRequest,
  type StatusResponse,
  statusRequest,
  statusResponse,
  type TxnRequest,
  type TxnResponse,
  txnRequest,
  txnResponse,
  type WatchRequest,
  type WatchResponse,
  watchRequest,
  watchResponse,
} from "./messages.ts";

/** One call of etcd's gRPC interface. */
export interface Method<Request, Response extends { readonly header: ResponseHeader }> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

export const RANGE: Method<RangeRequest, RangeResponse> = {
  path: "/etcdserverpb.KV/Range",
  request: rangeRequest,
  response: rangeResponse,
};
export const TXN: Method<TxnRequest, TxnResponse> = {
  path: "/etcdserverpb.KV/Txn",
  request: txnRequest,
  response: txnResponse,
};
export const LEASE_GRANT: Method<LeaseGrantRequest, LeaseResponse> = {
  path: "/etcdserverpb.Lease/LeaseGrant",
  request: leaseGrantRequest,
  response: leaseResponse,
};
export const LEASE_REVOKE: Method<LeaseIdRequest, HeaderResponse> = {
  path: "/etcdserverpb.Lease/LeaseRevoke",
  request: leaseIdRequest,
  response: headerResponse,
};
/** A stream in both directions; the driver sends one request on each and reads one answer. */
export const LEASE_KEEP_ALIVE: Method<LeaseIdRequest, LeaseResponse> = {
  path: "/etcdserverpb.Lease/LeaseKeepAlive",
  request: leaseIdRequest,
  response: leaseResponse,
};
/** A stream in both directions. */
export const WATCH: Method<WatchRequest, WatchResponse> = {
  path: "/etcdserverpb.Watch/Watch",
  request: watchRequest,
  response: watchResponse,
};
export const STATUS: Method<StatusRequest, StatusResponse> = {
  path: "/etcdserverpb.Maintenance/Status",
  request: statusRequest,
  response: statusResponse,
};
export const AUTHENTICATE: Method<AuthenticateRequest, AuthenticateResponse> = {
  path: "/etcdserverpb.Auth/Authenticate",
  request: authenticateRequest,
  response: authenticateResponse,
};
