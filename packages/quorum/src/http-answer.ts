// SPDX-License-Identifier: Apache-2.0
import type { QuorumResult } from "./ack-tracker.ts";
import type { QuorumError } from "./quorum-error.ts";

/** What an HTTP server answers to a client whose write went to a quorum. */
export interface QuorumHttpAnswer {
  readonly status: 201 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body:
    | { readonly quorum_acks: number }
    | { readonly error: "quorum_not_met"; readonly got: number; readonly needed: number; readonly reason: string };
}

/** Source: `fencing-quorum-sessions.md` 2.5. A client never sees `in_flight`: for it, time was up. */
export function quorumHttpAnswer(result: QuorumResult): QuorumHttpAnswer {
  if (result.ok) return { status: 201, headers: {}, body: { quorum_acks: result.acks } };
  const { code, detail, quorum } = result.error;
  if (quorum !== undefined) {
    const reason = quorum.reason === "in_flight" ? "timeout" : quorum.reason;
    return unavailable(quorum.got, quorum.needed, reason, { "retry-after": "2" });
  }
  return unavailable(0, 0, `${code}:${detail}`, {});
}

/** For an error met before anything was written, such as an impossible policy. */
export function quorumErrorHttpAnswer(error: QuorumError): QuorumHttpAnswer {
  return quorumHttpAnswer({ ok: false, error });
}

function unavailable(
  got: number,
  needed: number,
  reason: string,
  headers: Readonly<Record<string, string>>,
): QuorumHttpAnswer {
  return { status: 503, headers, body: { error: "quorum_not_met", got, needed, reason } };
}
