// SPDX-License-Identifier: Apache-2.0
import { checkInteger, checkMs, checkText } from "./checked.ts";
import { SessionError } from "./session-error.ts";
import { checkPolicy, type ResumePolicy } from "./state.ts";

/**
 * One thing that happened to a session. A takeover is not among them: it changes the fence, not the state.
 * Source: `fencing-quorum-sessions.md` 4.1.
 */
export type JournalEntry =
  | { readonly kind: "counter_delta"; readonly delta: number }
  | { readonly kind: "crash_marked"; readonly reason: string }
  | { readonly kind: "restarted"; readonly nowMs: number }
  | { readonly kind: "reconnected"; readonly policy: ResumePolicy; readonly route: string; readonly nowMs: number };

/**
 * An entry made of checked parts, and of nothing else; for what comes from a store too.
 *
 * @throws SessionError `number_out_of_range`, `text_invalid`, `variant_unknown`.
 */
export function checkEntry(entry: JournalEntry): JournalEntry {
  switch (entry.kind) {
    case "counter_delta": {
      const delta = checkInteger("delta", entry.delta, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      return Object.freeze({ kind: "counter_delta", delta });
    }
    case "crash_marked":
      return Object.freeze({ kind: "crash_marked", reason: checkText("the reason", entry.reason) });
    case "restarted":
      return Object.freeze({ kind: "restarted", nowMs: checkMs("nowMs", entry.nowMs) });
    case "reconnected":
      return Object.freeze({
        kind: "reconnected",
        policy: checkPolicy(entry.policy),
        route: checkText("the route", entry.route),
        nowMs: checkMs("nowMs", entry.nowMs),
      });
    default:
      entry satisfies never;
      throw new SessionError("variant_unknown", `expected a journal entry, got ${JSON.stringify(entry)}`);
  }
}
