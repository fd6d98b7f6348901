// SPDX-License-Identifier: Apache-2.0
import { expect } from "vitest";
import {
  appendCounterDelta,
  crash,
  type DurableSession,
  expectedToken,
  ownershipErrorLabel,
  plainTokens,
  requestTakeover,
  type StartOptions,
  snapshotJournal,
  start,
} from "../src/index.ts";

/** The session S of `fencing-quorum-sessions.md` 6.4, with anything changed that a test wants to. */
export function sessionS(changes: Partial<StartOptions> = {}): DurableSession {
  return start(
    {
      sessionId: "s-1",
      owner: "node-a",
      route: "/counter",
      backend: snapshotJournal("pg", "redis", 3),
      resumePolicy: "rehydrate",
      nowMs: 1000,
      continuitySloMs: 250,
      maxDataLossEvents: 0,
      ...changes,
    },
    plainTokens,
  );
}

/** S after row E4: two deltas and a crash. */
export function crashedS(): DurableSession {
  return crash(appendCounterDelta(appendCounterDelta(sessionS(), 2, 1010), -5, 1020), "oom");
}

/** The session after a takeover that must succeed, with the right token. */
export function taken(session: DurableSession, owner: string, epoch: bigint, nowMs: number): DurableSession {
  const token = expectedToken(session.snapshot.sessionId, owner, epoch);
  const result = requestTakeover(session, { owner, epoch, token }, nowMs, plainTokens);
  if (!result.ok) throw new Error(`expected a takeover, got ${ownershipErrorLabel(result.error)}`);
  return result.session;
}

/** The label of the refusal, and the proof that asking changed nothing. */
export function refusal(session: DurableSession, owner: string, epoch: bigint, token?: string): string {
  const before = structuredClone(session);
  const right = expectedToken(session.snapshot.sessionId, owner, epoch);
  const result = requestTakeover(session, { owner, epoch, token: token ?? right }, 1100, plainTokens);
  expect(session).toEqual(before);
  return result.ok ? "accepted" : ownershipErrorLabel(result.error);
}
