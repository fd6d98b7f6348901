// SPDX-License-Identifier: Apache-2.0

/** A thing to write. The id goes along with every attempt, so that a peer can tell a repetition. */
export interface QuorumRecord<T> {
  readonly id: string;
  readonly value: T;
}

/** What a peer said. A `fail` has an unknown outcome: the peer may have stored the record, or may still. */
export type PeerOutcome =
  | { readonly kind: "ack"; readonly clockSkewMs?: number }
  | { readonly kind: "id_drift" }
  | { readonly kind: "fail"; readonly text: string };

/**
 * Somebody who stores copies. `send` makes one attempt; the writer repeats it and counts. It should bound
 * itself, but need not: the writer never waits for it longer than the deadline. A rejection
 * counts as a failure of the network.
 */
export interface QuorumPeer<T> {
  /** The address or name, unique among the peers. */
  readonly id: string;
  send(record: QuorumRecord<T>, attempt: { readonly idempotencyKey: string }): Promise<PeerOutcome>;
}

/** The part of an HTTP answer that matters here. */
export interface PeerHttpAnswer {
  readonly status: number;
  /** The body as text; undefined if it could not be read. */
  readonly body?: string;
}

/**
 * What an HTTP answer means. A success whose `ids` name other records only is a drift; a body that cannot be
 * understood does not take the acknowledgement back. Source: `fencing-quorum-sessions.md` 2.4.
 */
export function classifyHttpAnswer(answer: PeerHttpAnswer, expectedId: string): PeerOutcome {
  if (answer.status < 200 || answer.status > 299) return { kind: "fail", text: `http ${answer.status}` };
  const ids = idsOf(answer.body);
  return ids !== undefined && ids.length > 0 && !ids.includes(expectedId) ? { kind: "id_drift" } : { kind: "ack" };
}

function idsOf(body: string | undefined): readonly unknown[] | undefined {
  if (body === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== "object" || parsed === null || !("ids" in parsed)) return undefined;
    return Array.isArray(parsed.ids) ? parsed.ids : undefined;
  } catch {
    return undefined;
  }
}
