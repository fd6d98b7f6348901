// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@tsoracle/client";
import { PinnedConnection } from "./pinned-connection.ts";
import type { CallResult, RecordedCall } from "./recorded-call.ts";
import type { SharedClock } from "./shared-clock.ts";

/** Enough to overlap everything that happens, and little enough that the servers, not the callers, use the machine. */
const THINK_MS = 5;
const PAUSE_AFTER_ERROR_MS = 10;

export interface Caller {
  readonly name: string;
  readonly pinnedTo: number | undefined;
  /** One call; rejects with what the client rejects with. */
  readonly ask: () => Promise<CallResult>;
}

export interface CallerParts {
  readonly clock: SharedClock;
  readonly record: (call: RecordedCall) => void;
  readonly signal: AbortSignal;
}

function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return error instanceof Error ? error.name : "unknown";
}

/** Calls, one after the other, until the signal aborts; resolves when the last call has ended. */
export async function keepCalling(caller: Caller, { clock, record, signal }: CallerParts): Promise<void> {
  const { name: client, pinnedTo } = caller;
  while (!signal.aborted) {
    const begin = clock.now();
    const result = await caller.ask().catch((error: unknown): CallResult => {
      return { kind: "error", code: codeOf(error), issuedNothing: false };
    });
    record({ client, begin, end: clock.now(), pinnedTo, result });
    await sleep(result.kind === "answer" ? THINK_MS : PAUSE_AFTER_ERROR_MS);
  }
}

async function takeOne(client: Client): Promise<CallResult> {
  const { value, epoch } = await client.getTs();
  return { kind: "answer", first: value, count: 1, epoch };
}

async function takeBatch(client: Client, length: number): Promise<CallResult> {
  const { firstValue, length: count, epoch } = await client.getTsBatch(length);
  return { kind: "answer", first: firstValue, count, epoch };
}

const BATCH = 20;

/** Callers that share clients as applications do; every fourth takes batches. Closing the clients is the last thing. */
export function ordinaryCallers(
  prefix: string,
  endpoints: readonly string[],
  clients: number,
  callersPerClient: number,
): { readonly callers: readonly Caller[]; readonly close: () => Promise<void> } {
  const open = Array.from({ length: clients }, () => createClient({ endpoints }));
  const callers = open.flatMap((client, index) =>
    Array.from({ length: callersPerClient }, (_, caller): Caller => {
      const ask = caller % 4 === 3 ? () => takeBatch(client, BATCH) : () => takeOne(client);
      return { name: `${prefix} client ${index} caller ${caller}`, pinnedTo: undefined, ask };
    }),
  );
  return {
    callers,
    close: async () => {
      for (const client of open) await client.close();
    },
  };
}

/**
 * How long the callers of one server wait for an answer. Only a call that is young when its server wakes up is answered
 * then, so nobody waits for long; and callers that all began to wait when the server was stopped must not give up all
 * at once, which may be the instant of its waking.
 */
const PATIENCE_MS = [800, 950, 1_100, 1_300] as const;

/**
 * Callers that ask one server only, whatever it answers. A leader that was paused and replaced is left alone by every
 * client that follows the leader; these are the ones that would get a stale answer from it.
 */
export function pinnedCallers(
  prefix: string,
  endpoints: readonly string[],
  perServer: number,
): { readonly callers: readonly Caller[]; readonly close: () => void } {
  const connections = endpoints.map((endpoint) => new PinnedConnection(endpoint));
  const callers = connections.flatMap((connection, server) =>
    Array.from({ length: perServer }, (_, caller): Caller => {
      const count = 1 + (caller % 3);
      return {
        name: `${prefix} at server ${server} caller ${caller}`,
        pinnedTo: server,
        ask: () => connection.take(count, PATIENCE_MS[caller % PATIENCE_MS.length] ?? PATIENCE_MS[0]),
      };
    }),
  );
  return {
    callers,
    close: () => {
      for (const connection of connections) connection.close();
    },
  };
}
