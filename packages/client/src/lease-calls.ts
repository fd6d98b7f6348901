// SPDX-License-Identifier: Apache-2.0
import { type Epoch, isPhysicalMs, MAX_LEASE_HOLDER_BYTES, type PhysicalMs, U64_MAX } from "@tsoracle/core";
import { epochFromHiLo, epochFromWire, grpcService, TsoServiceDefinition } from "@tsoracle/proto";
import type { CallContext } from "./call-context.ts";
import { ClientError } from "./client-error.ts";
import { callOnce } from "./single-attempt-call.ts";

const tso = grpcService(TsoServiceDefinition);

export interface LeaseRequest {
  /** Names the holder: 1 to 128 bytes; a string stands for its UTF-8. */
  readonly holder: string | Uint8Array;
  /** Grows with each life of the holder; a higher one supersedes the holder's older lease. */
  readonly holderEpoch: bigint;
  /** Within the server's bounds, 5 s to 300 s unless it is told otherwise. */
  readonly ttlMs: number;
}

export interface Lease {
  readonly leaseId: bigint;
  /** Durable high-water that covers the whole life of the lease. */
  readonly tsUpperBound: PhysicalMs;
  /** On the server's clock, milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
  readonly epoch: Epoch;
}

/** A point in physical time, and the epoch of the leader that named it; both zero from a server that does not lead. */
export interface SafePoint {
  readonly physicalMs: PhysicalMs;
  readonly epoch: Epoch;
}

function u64(name: string, value: bigint): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= U64_MAX) return value;
  throw new ClientError("invalid_lease", `expected ${name} as a bigint from 0 to 2^64-1, got ${String(value)}`);
}

function physicalOf(value: bigint): PhysicalMs | undefined {
  const number = Number(value);
  return isPhysicalMs(number) ? number : undefined;
}

interface LeaseFields {
  readonly tsUpperBound: bigint;
  readonly expiresAtMs: bigint;
  readonly epoch: { readonly hi: bigint; readonly lo: bigint } | undefined;
}

function readLease(leaseId: bigint, fields: LeaseFields): Lease | undefined {
  const epoch = epochFromWire(fields.epoch);
  const tsUpperBound = physicalOf(fields.tsUpperBound);
  const expiresAtMs = Number(fields.expiresAtMs);
  if (epoch === undefined || tsUpperBound === undefined || !Number.isSafeInteger(expiresAtMs)) return undefined;
  return { leaseId, tsUpperBound, expiresAtMs, epoch };
}

export async function acquireLease(
  context: CallContext,
  request: LeaseRequest,
  signal: AbortSignal | undefined,
): Promise<Lease> {
  const holder = typeof request.holder === "string" ? Buffer.from(request.holder, "utf8") : request.holder;
  if (!(holder instanceof Uint8Array) || holder.length < 1 || holder.length > MAX_LEASE_HOLDER_BYTES) {
    const got = holder instanceof Uint8Array ? `${holder.length} bytes` : String(holder);
    throw new ClientError("invalid_lease", `expected a holder of 1 to ${MAX_LEASE_HOLDER_BYTES} bytes, got ${got}`);
  }
  if (!Number.isSafeInteger(request.ttlMs) || request.ttlMs < 1) {
    throw new ClientError("invalid_lease", `expected ttlMs as a positive integer, got ${String(request.ttlMs)}`);
  }
  const holderEpoch = u64("holderEpoch", request.holderEpoch);
  return await callOnce(context, {
    method: tso.acquireLease,
    request: { holder, holderEpoch, ttlMs: BigInt(request.ttlMs) },
    read: (response) => readLease(response.leaseId, response),
    leaderEpoch: (lease) => lease.epoch,
    learnsFromHint: true,
    signal,
  });
}

export async function renewLease(
  context: CallContext,
  leaseId: bigint,
  signal: AbortSignal | undefined,
): Promise<Lease> {
  return await callOnce(context, {
    method: tso.renewLease,
    request: { leaseId: u64("leaseId", leaseId) },
    read: (response) => readLease(leaseId, response),
    leaderEpoch: (lease) => lease.epoch,
    learnsFromHint: true,
    signal,
  });
}

/** An answer carries no epoch, so it says nothing about who leads. */
export async function releaseLease(
  context: CallContext,
  leaseId: bigint,
  signal: AbortSignal | undefined,
): Promise<void> {
  await callOnce(context, {
    method: tso.releaseLease,
    request: { leaseId: u64("leaseId", leaseId) },
    read: () => true,
    learnsFromHint: true,
    signal,
  });
}

/** Every server answers this one, so an answer does not make it the leader. */
export async function getCurrentMaxSafe(context: CallContext, signal: AbortSignal | undefined): Promise<SafePoint> {
  return await callOnce(context, {
    method: tso.getCurrentMaxSafe,
    request: {},
    read: ({ maxSafePhysicalMs, epochHi, epochLo }) => safePoint(maxSafePhysicalMs, epochHi, epochLo),
    learnsFromHint: false,
    signal,
  });
}

export async function getSafeFrontier(context: CallContext, signal: AbortSignal | undefined): Promise<SafePoint> {
  return await callOnce(context, {
    method: tso.getSafeFrontier,
    request: {},
    read: ({ frontierPhysicalMs, epochHi, epochLo }) => safePoint(frontierPhysicalMs, epochHi, epochLo),
    learnsFromHint: false,
    signal,
  });
}

function safePoint(value: bigint, epochHi: bigint, epochLo: bigint): SafePoint | undefined {
  const physicalMs = physicalOf(value);
  return physicalMs === undefined ? undefined : { physicalMs, epoch: epochFromHiLo(epochHi, epochLo) };
}
