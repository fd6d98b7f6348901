// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  appendCounterDelta,
  backend,
  continuityReport,
  continuitySignature,
  crash,
  type DurableSession,
  expectedToken,
  fence,
  fenceSignature,
  journal,
  journalEntryLabel,
  plainTokens,
  reconnect,
  requestTakeover,
  restart,
  SessionError,
  signature,
  snapshot,
  snapshotSignature,
  supportedBackends,
  valid,
} from "../src/index.ts";
import { crashedS, refusal, sessionS, taken } from "./fixture.ts";

const claim = (session: DurableSession, owner: string, epoch: bigint): unknown =>
  requestTakeover(session, { owner, epoch, token: "x" }, 1100, plainTokens);

const BEGINNING = "session=s-1|route=/counter|";

describe("durable sessions (fencing-quorum-sessions.md 6.4)", () => {
  it("E1 makes the token of the session, its owner and its epoch", () => {
    expect(expectedToken("s-1", "node-a", 1n)).toBe("fence:s-1:node-a:1");
    expect(fence(sessionS())).toEqual({ owner: "node-a", epoch: 1n, token: "fence:s-1:node-a:1" });
  });

  it("E2 signs the fence, the token encoded", () => {
    expect(fenceSignature(fence(sessionS()))).toBe("owner=node-a|epoch=1|token=fence%3As-1%3Anode-a%3A1");
  });

  it("E3 signs the snapshot of the start", () => {
    const expected = "session=s-1|route=/counter|counter=0|lifecycle=live|checkpoint_epoch=1|checkpoint_ms=1000";
    expect(snapshotSignature(snapshot(sessionS()))).toBe(expected);
  });

  it("E4 counts and crashes, and the crash takes no time", () => {
    expect(snapshotSignature(snapshot(crashedS()))).toBe(
      `${BEGINNING}counter=-3|lifecycle=crashed|checkpoint_epoch=1|checkpoint_ms=1020`,
    );
  });

  it("E5 calls epoch 0 stale, with the right token", () => {
    expect(refusal(sessionS(), "node-b", 0n)).toBe("stale_owner:1:0");
  });

  it("E6 renews for the owner and leaves the fence as it is", () => {
    const before = sessionS();
    const token = expectedToken("s-1", "node-a", 1n);
    const result = requestTakeover(before, { owner: "node-a", epoch: 1n, token }, 1100, plainTokens);
    if (!result.ok) throw new Error("expected a renewal");
    expect(result.renewed).toBe(true);
    expect(result.session).toEqual({ ...before, snapshot: { ...before.snapshot, checkpointMs: 1100 } });
  });

  it("E6 refuses the owner with a wrong token", () => {
    expect(refusal(sessionS(), "node-a", 1n, "fence:s-1:node-a:2")).toBe("invalid_token:node-a:1");
  });

  it.each([undefined, "wrong"])("E7 calls the same epoch of another owner a split brain, token %s", (token) => {
    expect(refusal(sessionS(), "node-b", 1n, token)).toBe("split_brain:node-a:node-b:1");
  });

  it("E9 hands over to a higher epoch, and the old owner is stale then", () => {
    const after = taken(sessionS(), "node-b", 2n, 1100);
    expect(snapshotSignature(snapshot(after))).toBe(
      `${BEGINNING}counter=0|lifecycle=live|checkpoint_epoch=2|checkpoint_ms=1100`,
    );
    expect(refusal(after, "node-a", 1n)).toBe("stale_owner:2:1");
  });

  it("E11 comes back after crash and takeover with all that happened", () => {
    const restarted = restart(taken(crashedS(), "node-b", 2n, 1100), 1110);
    const back = reconnect(restarted, "rehydrate", "/counter", 1150);
    expect(journal(back).map(journalEntryLabel).join()).toBe(
      "counter_delta:2,counter_delta:-5,crash_marked:oom,restarted:1110,reconnected:rehydrate:/counter:1150",
    );
    expect(snapshotSignature(snapshot(back))).toBe(
      `${BEGINNING}counter=-3|lifecycle=live|checkpoint_epoch=2|checkpoint_ms=1150`,
    );
    expect(valid(back, plainTokens)).toBe(true);
  });

  it("E12 reports how the reconnect kept its budgets", () => {
    const restarted = restart(taken(crashedS(), "node-b", 2n, 1100), 1110);
    for (const session of [restarted, reconnect(restarted, "rehydrate", "/counter", 1150)]) {
      expect(continuitySignature(continuityReport(session, 1030, 1150))).toBe("latency_ms=120|data_loss=0|met=true");
    }
  });

  it("E15 supports one backend of each kind", () => {
    const kinds = supportedBackends().map(({ kind }) => kind);
    expect(kinds).toEqual(["snapshot_only", "journal_only", "snapshot_journal"]);
    for (const supported of supportedBackends()) expect(backend(sessionS({ backend: supported }))).toEqual(supported);
  });

  it.each<[string, (session: DurableSession) => unknown]>([
    ["a delta that is no integer", (session) => appendCounterDelta(session, 0.5, 1030)],
    ["a delta beyond the counter", (session) => appendCounterDelta(session, Number.MIN_SAFE_INTEGER, 1030)],
    ["a time before the epoch of the clock", (session) => appendCounterDelta(session, 1, -1)],
    ["an ill-formed reason", (session) => crash(session, "\ud800")],
    ["a restart at a time that is none", (session) => restart(session, Number.NaN)],
    ["an unknown policy", (session) => reconnect(session, "redo" as "resume", "/counter", 1150)],
    ["an ill-formed route", (session) => reconnect(session, "resume", "/\0", 1150)],
    ["a takeover without owner", (session) => claim(session, "", 2n)],
    ["a takeover with an epoch below 0", (session) => claim(session, "node-b", -1n)],
    ["a takeover with an epoch above 64 bits", (session) => claim(session, "node-b", 2n ** 64n)],
    ["a report at a time that is none", (session) => continuityReport(session, 1.5, 1150)],
  ])("E16 leaves the session as it was after %s", (_what, call) => {
    const session = crashedS();
    const [before, signed] = [structuredClone(session), signature(session)];
    expect(() => call(session)).toThrow(SessionError);
    expect(() => call(session)).toThrow(RangeError);
    expect(session).toEqual(before);
    expect(signature(session)).toBe(signed);
  });

  it("E16 cannot be changed from outside either", () => {
    const session = crashedS();
    const parts = [session, session.snapshot, session.fence, session.base, session.backend, session.journalRev];
    for (const part of [...parts, ...session.journalRev]) expect(Object.isFrozen(part)).toBe(true);
  });
});
