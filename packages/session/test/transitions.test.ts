// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  appendCounterDelta,
  compact,
  crash,
  type DurableSession,
  expectedToken,
  journal,
  journalEntryLabel,
  journalOnly,
  plainTokens,
  RESUME_POLICIES,
  type RecordedEntry,
  reconnect,
  recover,
  replay,
  requestTakeover,
  restart,
  SessionError,
  signature,
  valid,
} from "../src/index.ts";
import { crashedS, sessionS, taken } from "./fixture.ts";
import { type Command, type ModelView, sessionModel } from "./session.model.ts";

const at = fc.nat({ max: 5_000 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant("append" as const), delta: fc.integer({ min: -9, max: 9 }), at }),
  fc.record({ do: fc.constant("crash" as const), reason: fc.constantFrom("oom", "kill") }),
  fc.record({ do: fc.constant("restart" as const), at }),
  fc.record({
    do: fc.constant("reconnect" as const),
    policy: fc.constantFrom(...RESUME_POLICIES),
    route: fc.constantFrom("/counter", "/other"),
    at,
  }),
  fc.record({
    do: fc.constant("takeover" as const),
    owner: fc.constantFrom("node-a", "node-b"),
    epoch: fc.bigInt(0n, 6n),
    at,
  }),
);

/** The session after the command, and whether it was accepted; a refusal must leave it as it was. */
function apply(session: DurableSession, step: Command): DurableSession {
  switch (step.do) {
    case "append":
      return appendCounterDelta(session, step.delta, step.at);
    case "crash":
      return crash(session, step.reason);
    case "restart":
      return restart(session, step.at);
    case "reconnect":
      return reconnect(session, step.policy, step.route, step.at);
    case "takeover": {
      const token = expectedToken("s-1", step.owner, step.epoch);
      const result = requestTakeover(session, { ...step, token }, step.at, plainTokens);
      return result.ok ? result.session : session;
    }
    default:
      return step satisfies never;
  }
}

const viewOf = (session: DurableSession): ModelView => ({
  counter: session.snapshot.counter,
  lifecycle: session.snapshot.lifecycle,
  route: session.snapshot.route,
  owner: session.fence.owner,
  epoch: session.fence.epoch,
  checkpointMs: session.snapshot.checkpointMs,
  checkpointEpoch: session.snapshot.checkpointEpoch,
  journal: journal(session).map(journalEntryLabel),
});

describe("transitions (fencing-quorum-sessions.md 4.4)", () => {
  it("lead to what a slow second implementation reads off the commands, and stay valid", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 25 }), (commands) => {
        let session = sessionS();
        const accepted: Command[] = [];
        for (const step of commands) {
          const next = apply(session, step);
          if (next !== session) accepted.push(step);
          session = next;
          expect(viewOf(session)).toEqual(sessionModel(accepted));
          expect(valid(session, plainTokens)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(RESUME_POLICIES)("bring the session back with policy %s on the route that was given", (policy) => {
    const back = reconnect(restart(crashedS(), 1110), policy, "/other", 1150);
    expect(back.snapshot).toMatchObject({ lifecycle: "live", route: "/other", checkpointMs: 1150 });
    expect(back.snapshot.counter).toBe(policy === "remount" ? 0 : -3);
    expect(back.resumePolicy).toBe("rehydrate");
  });

  it("checkpoint under the epoch of the fence with a delta and a reconnect, not with crash and restart", () => {
    // As it is after recovery: the fence has moved, and nothing was written under it yet.
    const session = taken(sessionS(), "node-b", 5n, 1100);
    const behind = { ...session, snapshot: { ...session.snapshot, checkpointEpoch: 2n } };
    const epochs = [
      crash(behind, "oom"),
      restart(behind, 1110),
      reconnect(behind, "resume", "/counter", 1150),
      appendCounterDelta(behind, 1, 1160),
    ].map(({ snapshot }) => snapshot.checkpointEpoch);
    expect(epochs).toEqual([2n, 2n, 5n, 5n]);
  });

  it("do not bring back what a remount discarded", () => {
    const back = appendCounterDelta(reconnect(crashedS(), "remount", "/counter", 1150), 7, 1160);
    expect(replay(back.base, journal(back))).toEqual({ counter: 7, lifecycle: "live", route: "/counter" });
  });

  it("rehydrate only where the journal leads to the snapshot", () => {
    const session = crashedS();
    const rotten = { ...session, snapshot: { ...session.snapshot, counter: -4 } };
    expect(() => reconnect(rotten, "rehydrate", "/counter", 1150)).toThrow(/^\[state_diverged\].* -4 .* got -3 /);
    expect(reconnect(rotten, "resume", "/counter", 1150).snapshot.counter).toBe(-4);
  });

  it("refuse a delta that the counter cannot hold exactly", () => {
    const full = appendCounterDelta(sessionS(), Number.MAX_SAFE_INTEGER, 1010);
    expect(() => appendCounterDelta(full, 1, 1020)).toThrow(SessionError);
    expect(appendCounterDelta(full, -1, 1020).snapshot.counter).toBe(Number.MAX_SAFE_INTEGER - 1);
  });

  it("write 0 for -0", () => {
    const session = restart(appendCounterDelta(sessionS(), -0, -0), -0);
    expect(journal(session)).toEqual([
      { kind: "counter_delta", delta: 0 },
      { kind: "restarted", nowMs: 0 },
    ]);
    expect(session.snapshot).toMatchObject({ counter: 0, checkpointMs: 0 });
  });
});

describe("recover", () => {
  const parts = (session: DurableSession): Omit<Parameters<typeof recover>[0], "snapshot" | "tail"> => session;

  it("gives the same session from any snapshot and the tail after it", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), fc.nat({ max: 20 }), (commands, snapshotAfter) => {
        let session = sessionS();
        let durable = session.snapshot;
        let tail: RecordedEntry[] = [];
        // Takeovers write no entry, so a store writes a snapshot after each.
        for (const [index, step] of commands.entries()) {
          const next = apply(session, step);
          const [entry] = next.journalRev;
          if (next.journalRev.length > session.journalRev.length && entry !== undefined) {
            tail.push({ entry, epoch: next.fence.epoch, atMs: "at" in step ? step.at : 1 });
          }
          if (step.do === "takeover" || index === snapshotAfter) {
            durable = next.snapshot;
            tail = [];
          }
          session = next;
        }
        const recovered = recover({ ...parts(session), snapshot: durable, tail }, plainTokens);
        expect(recovered.snapshot).toEqual(session.snapshot);
        expect(recovered.journalRev).toEqual(session.journalRev.slice(0, tail.length));
        expect(valid(recovered, plainTokens)).toBe(true);
        if (tail.length === session.journalRev.length) expect(signature(recovered)).toBe(signature(session));
      }),
      { numRuns: 300 },
    );
  });

  it("refuses a journal that was written past its fence, and one that runs backwards", () => {
    const session = taken(sessionS(), "node-b", 5n, 1100);
    const entry = { kind: "counter_delta", delta: 1 } as const;
    const from = (...epochs: bigint[]): DurableSession => {
      const tail = epochs.map((epoch) => ({ entry, epoch, atMs: 1200 }));
      return recover({ ...parts(session), snapshot: sessionS().snapshot, tail }, plainTokens);
    };
    expect(from(1n, 3n, 5n).snapshot).toMatchObject({ counter: 3, checkpointEpoch: 5n, checkpointMs: 1200 });
    expect(() => from(6n)).toThrow(/^\[state_diverged\]/);
    expect(() => from(3n, 2n)).toThrow(/^\[state_diverged\]/);
    const crashMark = { entry: { kind: "crash_marked", reason: "oom" }, epoch: 6n, atMs: 1200 } as const;
    const marked = { ...parts(session), snapshot: sessionS().snapshot, tail: [crashMark] };
    expect(() => recover(marked, plainTokens)).toThrow(/^\[state_diverged\].*past its fence/);
  });

  it("takes no crash or restart for a checkpoint of the new owner", () => {
    const session = taken(sessionS(), "node-b", 5n, 1100);
    const tail: RecordedEntry[] = [
      { entry: { kind: "counter_delta", delta: 1 }, epoch: 2n, atMs: 1200 },
      { entry: { kind: "crash_marked", reason: "oom" }, epoch: 3n, atMs: 1210 },
      { entry: { kind: "restarted", nowMs: 1220 }, epoch: 5n, atMs: 1220 },
    ];
    const recovered = recover({ ...parts(session), snapshot: sessionS().snapshot, tail }, plainTokens);
    expect(recovered.snapshot).toMatchObject({ checkpointEpoch: 2n, checkpointMs: 1220, lifecycle: "disconnected" });
  });

  it("refuses a fence whose token is not its own", () => {
    const session = sessionS();
    const fence = { ...session.fence, token: expectedToken("s-1", "node-b", 1n) };
    const rotten = { ...parts(session), fence, snapshot: session.snapshot, tail: [] };
    expect(() => recover(rotten, plainTokens)).toThrow(/^\[state_diverged\].*token/);
  });
});

describe("compact", () => {
  it("lets the entries go and keeps the state, also for what follows", () => {
    const small = compact(crashedS());
    expect([small.journalRev, small.snapshot]).toEqual([[], crashedS().snapshot]);
    const back = reconnect(restart(small, 1110), "rehydrate", "/counter", 1150);
    expect(back.snapshot).toMatchObject({ counter: -3, lifecycle: "live" });
    expect(valid(back, plainTokens)).toBe(true);
  });

  it("loses nothing of a backend that has a journal only", () => {
    expect(() => compact(sessionS({ backend: journalOnly("pg") }))).toThrow(/^\[backend_unfit\]/);
  });
});
