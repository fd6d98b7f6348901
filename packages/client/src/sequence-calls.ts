// SPDX-License-Identifier: Apache-2.0
import { type Epoch, parseSeqKey, U64_MAX } from "@tsoracle/core";
import { epochFromWire, grpcService, SequenceReadServiceDefinition, TsoServiceDefinition } from "@tsoracle/proto";
import type { CallContext } from "./call-context.ts";
import { ClientError } from "./client-error.ts";
import { callLeader } from "./leader-call.ts";

const tso = grpcService(TsoServiceDefinition);
const sequenceRead = grpcService(SequenceReadServiceDefinition);
const U32_MAX = 0xffff_ffff;

/** The values `start` to `start + count - 1` of a dense sequence, which nobody else gets. */
export interface SeqBlock {
  readonly key: string;
  readonly start: bigint;
  readonly count: number;
  readonly epoch: Epoch;
}

/** Where a dense sequence stands. */
export interface SeqPosition {
  readonly key: string;
  /** The value that will be handed out next; zero for a key that was never advanced. */
  readonly next: bigint;
  readonly epoch: Epoch;
}

export interface SeqRequest {
  readonly key: string;
  readonly count: number;
}

function checkKey(key: unknown): void {
  const parsed = typeof key === "string" ? parseSeqKey(key) : undefined;
  if (parsed?.ok === true) return;
  const got = parsed?.reason === "seq_key_too_long" ? `${parsed.bytes} bytes` : (JSON.stringify(key) ?? String(key));
  throw new ClientError("invalid_seq_key", `expected a sequence key of 1 to 128 bytes of UTF-8, got ${got}`);
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= U32_MAX) return;
  throw new ClientError(
    "invalid_count",
    `expected a count as an integer from 1 to ${U32_MAX}, and not above the server's limit, got ${String(count)}`,
  );
}

/** A block that ends above 64 bits was not taken from a counter of 64 bits. */
function fits(start: bigint, count: number): boolean {
  return start + BigInt(count) <= U64_MAX;
}

export async function getSeq(
  context: CallContext,
  key: string,
  count: number,
  signal: AbortSignal | undefined,
): Promise<SeqBlock> {
  checkKey(key);
  checkCount(count);
  return await callLeader(context, {
    method: tso.getSeq,
    request: { key, count },
    idempotent: false,
    signal,
    read: (response) => {
      const epoch = epochFromWire(response.epoch);
      if (epoch === undefined || response.key !== key || response.count !== count) return undefined;
      if (!fits(response.start, count)) return undefined;
      return { value: { key, start: response.start, count, epoch }, epoch };
    },
  });
}

export async function getSeqBatch(
  context: CallContext,
  entries: readonly SeqRequest[],
  signal: AbortSignal | undefined,
): Promise<readonly SeqBlock[]> {
  const asked = entries.map(({ key, count }) => ({ key, count }));
  if (asked.length === 0) throw new ClientError("invalid_count", "expected at least one sequence in a batch, got none");
  for (const { key, count } of asked) {
    checkKey(key);
    checkCount(count);
  }
  if (new Set(asked.map(({ key }) => key)).size < asked.length) {
    throw new ClientError("invalid_seq_key", "expected each sequence key once in a batch, got one twice");
  }
  return await callLeader(context, {
    method: tso.getSeqBatch,
    request: { entries: asked },
    idempotent: false,
    signal,
    read: ({ grants, epoch: wire }) => {
      const epoch = epochFromWire(wire);
      if (epoch === undefined || grants.length !== asked.length) return undefined;
      const matches = asked.every(({ key, count }, index) => {
        const grant = grants[index];
        return grant?.key === key && grant.count === count && fits(grant.start, count);
      });
      if (!matches) return undefined;
      return { value: grants.map(({ key, start, count }) => ({ key, start, count, epoch })), epoch };
    },
  });
}

export async function loadSeq(
  context: CallContext,
  key: string,
  signal: AbortSignal | undefined,
): Promise<SeqPosition> {
  checkKey(key);
  return await callLeader(context, {
    method: sequenceRead.loadSeq,
    request: { key },
    idempotent: true,
    signal,
    read: (response) => {
      const epoch = epochFromWire(response.epoch);
      if (epoch === undefined || response.key !== key) return undefined;
      return { value: { key, next: response.next, epoch }, epoch };
    },
  });
}
