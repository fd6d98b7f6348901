// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { classify, type FailureVerdict, factsOf } from "./classify.ts";

/** A statement or a connection that failed, judged. Never leaves the driver: callers get {@link StatementFailure.toConsensusError}. */
export class StatementFailure extends Error {
  override readonly name = "StatementFailure";
  readonly verdict: FailureVerdict;
  /** Whether the statement had been sent. */
  readonly sent: boolean;

  constructor(what: string, verdict: FailureVerdict, options: { readonly sent: boolean; readonly cause?: unknown }) {
    super(`${what}; ${verdict.advice}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.verdict = verdict;
    this.sent = options.sent;
  }

  /** Judges what the library threw. */
  static of(what: string, error: unknown, sent: boolean): StatementFailure {
    if (error instanceof StatementFailure) return error;
    const facts = factsOf(error);
    const code = facts.code === undefined ? "" : ` (${facts.code})`;
    return new StatementFailure(`${what}: ${facts.message}${code}`, classify(facts), { sent, cause: error });
  }

  /** Something that the driver itself found out. */
  static found(
    reason: string,
    message: string,
    advice: string,
    rest: Partial<FailureVerdict> & { readonly sent?: boolean } = {},
  ): StatementFailure {
    const { sent = false, ...verdict } = rest;
    return new StatementFailure(
      message,
      { kind: "permanent", outcome: "not_done", connection: "destroy", alarm: true, reason, advice, ...verdict },
      { sent },
    );
  }

  get isPermanent(): boolean {
    return this.verdict.kind === "permanent";
  }

  /** @param isWrite whether the statement could have changed something */
  toConsensusError(isWrite: boolean): ConsensusError {
    const { kind, outcome, reason } = this.verdict;
    const cause = { cause: this };
    const text = `${this.message} [${reason}]`;
    switch (kind) {
      case "permanent":
        return new ConsensusError("permanent", text, cause);
      case "seq_overflow":
        return new ConsensusError("seq_overflow", "a sequence would pass 2^64-1; nothing was written", cause);
      case "transient":
        return isWrite && this.sent && outcome === "unknown"
          ? new ConsensusError("uncertain", `${text}; whether it was written is unknown`, cause)
          : new ConsensusError("transient", text, cause);
      default:
        return kind satisfies never;
    }
  }
}
