// SPDX-License-Identifier: Apache-2.0
import { isPhysicalMs } from "@tsoracle/core";
import { isBallot } from "./ballot.ts";
import type {
  AdmitOutcome,
  ClaimOutcome,
  NodeFailure,
  PersistOutcome,
  PrepareOutcome,
  ReleaseOutcome,
  StatusOutcome,
} from "./node-outcome.ts";

/** Reads what a script answered. Anything that no script of ours answers counts as no vote. */
export function readStatus(reply: unknown): StatusOutcome {
  const [word, promised, hw, beat, left, , endpoint, holder, released] = texts(reply);
  const highWater = Number(hw);
  const leasedForMs = Number(left);
  if (word === "OK" && isBallot(promised) && isBallot(released) && isPhysicalMs(highWater) && isCount(beat)) {
    if (Number.isFinite(leasedForMs) && endpoint !== undefined && holder !== undefined) {
      return { kind: "ok", promised, highWater, beat, leasedForMs, endpoint, holder, released };
    }
  }
  return noVote(reply);
}

export function readPrepare(reply: unknown): PrepareOutcome {
  const [word, promised, hw, beat, released, holder, duplicate] = texts(reply);
  const highWater = Number(hw);
  if ((word === "STALE" || word === "LEASED") && isBallot(promised)) {
    return { kind: word === "STALE" ? "stale" : "leased", promised };
  }
  if (word === "OK" && isBallot(promised) && isBallot(released) && isPhysicalMs(highWater) && isCount(beat)) {
    const isDuplicate = duplicate === "dup";
    return { kind: "ok", promised, highWater, beat, released, holder: holder ?? "", duplicate: isDuplicate };
  }
  return noVote(reply);
}

export function readPersist(reply: unknown): PersistOutcome {
  const [word, value] = texts(reply);
  if (word === "RANGE") return { kind: "range" };
  if (word === "FENCED" && isBallot(value)) return { kind: "fenced", promised: value };
  if (word === "OK" && isPhysicalMs(Number(value))) return { kind: "ok", highWater: Number(value) };
  return noVote(reply);
}

export function readRelease(reply: unknown): ReleaseOutcome {
  const [word, value] = texts(reply);
  if (word === "FENCED" && isBallot(value)) return { kind: "fenced", promised: value };
  return word === "OK" ? { kind: "ok" } : noVote(reply);
}

export function readClaim(reply: unknown): ClaimOutcome {
  const [word] = texts(reply);
  if (word === "EXISTS" || word === "LOST") return { kind: word === "EXISTS" ? "exists" : "lost" };
  return word === "OK" ? { kind: "ok" } : noVote(reply);
}

export function readAdmit(reply: unknown): AdmitOutcome {
  return readClaim(reply);
}

/** The answers that every script may give, and whatever else came. */
function noVote(reply: unknown): NodeFailure {
  const [word, first, second] = texts(reply);
  const failed = (message: string): NodeFailure => ({ kind: "failed", why: "amnesia", mayHaveRun: false, message });
  switch (word) {
    case "EMPTY":
      return failed(
        "holds no register: its data is gone or it was never initialised. It has no vote until it is admitted; see the runbook for a wiped node",
      );
    case "VERSION":
      return failed(`holds a register of version ${first}, expected 1: use the release of tsoracle that wrote it`);
    case "ALIEN":
      return failed(`holds the register of cluster ${first}, node ${second}: correct the list of nodes`);
    case "RESTARTED":
      return failed("has restarted since it was admitted, and restarts are not trusted");
    default:
      return failed(`answered ${JSON.stringify(reply)?.slice(0, 200)}, which no script of this driver answers`);
  }
}

function texts(reply: unknown): readonly (string | undefined)[] {
  return Array.isArray(reply) ? reply.map((part) => (typeof part === "string" ? part : undefined)) : [];
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^[0-9]{1,20}$/.test(text);
}
