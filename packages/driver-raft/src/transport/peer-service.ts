// SPDX-License-Identifier: Apache-2.0
import { type ChannelOptions, Metadata, type MethodDefinition, type ServiceError, status } from "@grpc/grpc-js";
import { decodeFrame, encodeFrame, type Frame } from "./frame.ts";
import { isRefusalReason, type Refusal } from "./hello.ts";
import { WireError } from "./wire.ts";

/** One stream for each direction of each pair: the caller sends messages, the other side answers with its Hello (X5). */
export const CONNECT: MethodDefinition<Frame, Frame> = {
  path: "/tsoracle.raft.v1.PeerService/Connect",
  requestStream: true,
  responseStream: true,
  requestSerialize: (frame) => Buffer.from(encodeFrame(frame)),
  requestDeserialize: decodeFrame,
  responseSerialize: (frame) => Buffer.from(encodeFrame(frame)),
  responseDeserialize: decodeFrame,
};

/**
 * Largest frame, in bytes: a snapshot of a state with all its keys and leases at their caps stays below it.
 * Entries are far smaller.
 */
export const MAX_FRAME_BYTES: number = 16 * 1024 * 1024;

/** Settings of a connection between peers (X6): a dead one is noticed and replaced faster than gRPC's defaults do. */
export const CHANNEL_OPTIONS: ChannelOptions = Object.freeze({
  "grpc.max_receive_message_length": MAX_FRAME_BYTES,
  "grpc.max_send_message_length": MAX_FRAME_BYTES,
  "grpc.keepalive_time_ms": 2_000,
  "grpc.keepalive_timeout_ms": 1_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 250,
  // Two nodes of one process, as in tests, must not share a connection.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  // A peer is known by its node id, not by a host name, and TLS allows no IP address as a server name.
  "grpc.ssl_target_name_override": "peer",
});

const REASON_KEY = "tsoracle-raft-refusal";
const CHALLENGE_KEY = "tsoracle-raft-challenge";
const STORAGE_KEY = "tsoracle-raft-storage";

/** A refusal as the error that ends a stream. */
export function refusalError({
  reason,
  message,
  challenge,
  storageId,
}: Refusal): Pick<ServiceError, "code" | "details" | "metadata"> {
  const metadata = new Metadata();
  metadata.set(REASON_KEY, reason);
  if (challenge !== undefined) metadata.set(CHALLENGE_KEY, challenge);
  if (storageId !== undefined) metadata.set(STORAGE_KEY, storageId);
  return { code: status.FAILED_PRECONDITION, details: message, metadata };
}

/** The refusal in the error that ended a stream, if there is one. */
export function refusalIn(error: ServiceError): Refusal | undefined {
  const [reason] = error.metadata?.get(REASON_KEY) ?? [];
  if (error.code !== status.FAILED_PRECONDITION || typeof reason !== "string" || !isRefusalReason(reason)) {
    return undefined;
  }
  const [challenge] = error.metadata.get(CHALLENGE_KEY);
  const [storageId] = error.metadata.get(STORAGE_KEY);
  return {
    reason,
    message: error.details,
    ...(typeof challenge === "string" ? { challenge } : {}),
    ...(typeof storageId === "string" ? { storageId } : {}),
  };
}

/** What breaks a stream from this side: bytes that are not of the protocol. */
export function protocolError(error: unknown): Pick<ServiceError, "code" | "details"> {
  const details = error instanceof WireError ? error.message : "the peer stream broke";
  return { code: status.INVALID_ARGUMENT, details };
}
