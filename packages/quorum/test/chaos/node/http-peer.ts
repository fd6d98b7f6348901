// SPDX-License-Identifier: Apache-2.0
import type { Agent } from "node:http";
import { classifyHttpAnswer, type PeerOutcome, type QuorumPeer, type QuorumRecord } from "../../../src/index.ts";
import { CLIENT_TIMEOUT_MS } from "../fault.ts";
import { httpCall } from "../http-call.ts";

/** In which header a node states its time, in milliseconds. */
export const TIME_HEADER = "x-node-time-ms";

/** A peer over HTTP: one attempt, bounded in time. `cancelled` cuts the sends of a record short; ours never does. */
export function httpPeer(
  agent: Agent,
  address: string,
  store: string,
  cancelled: (recordId: string) => AbortSignal | undefined,
): QuorumPeer<string> {
  return {
    id: address,
    async send(record: QuorumRecord<string>, { idempotencyKey }): Promise<PeerOutcome> {
      const url = `${address}/stores/${store}/records/${idempotencyKey}`;
      const timeout = AbortSignal.timeout(CLIENT_TIMEOUT_MS);
      const cancel = cancelled(record.id);
      const signal = cancel === undefined ? timeout : AbortSignal.any([timeout, cancel]);
      const { status, headers, body } = await httpCall(agent, "PUT", url, record.value, signal);
      const outcome = classifyHttpAnswer({ status, body }, record.id);
      const stated = headers[TIME_HEADER];
      if (outcome.kind !== "ack" || typeof stated !== "string") return outcome;
      return { kind: "ack", clockSkewMs: Number(stated) - Date.now() };
    },
  };
}
