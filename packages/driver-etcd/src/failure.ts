// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { Verdict } from "./classify.ts";

/** A call to etcd that failed, judged. Never leaves the driver: callers get {@link EtcdFailure.toConsensusError}. */
export class EtcdFailure extends Error {
  override readonly name = "EtcdFailure";
  readonly verdict: Verdict;

  constructor(message: string, verdict: Verdict, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.verdict = verdict;
  }

  /** Something that the driver found out and that only a person can put right. */
  static permanent(message: string): EtcdFailure {
    return new EtcdFailure(message, { outcome: "not_done", kind: "permanent", alarm: true });
  }

  get isPermanent(): boolean {
    return this.verdict.kind === "permanent";
  }

  /** @param isWrite whether the call could have changed something */
  toConsensusError(isWrite: boolean): ConsensusError {
    const { kind, outcome } = this.verdict;
    const cause = { cause: this };
    if (kind === "permanent") return new ConsensusError("permanent", this.message, cause);
    if (isWrite && outcome === "unknown") {
      return new ConsensusError("uncertain", `${this.message}; whether it was written is unknown`, cause);
    }
    return new ConsensusError("transient", this.message, cause);
  }
}

/** What a caller of the driver sees of any failure. */
export function toConsensusError(error: unknown, isWrite: boolean): ConsensusError {
  return error instanceof EtcdFailure ? error.toConsensusError(isWrite) : ConsensusError.from(error);
}
