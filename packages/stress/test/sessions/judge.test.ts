// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { CallKind, CallOutcome, SessionCall } from "../../src/sessions/call.ts";
import { writeEntry } from "../../src/sessions/entry.ts";
import type { FinalSession } from "../../src/sessions/final-session.ts";
import { judgeSessions } from "../../src/sessions/judge.ts";

type Read = Extract<FinalSession, { kind: "read" }>;

const call = (kind: CallKind, begin: number, end: number, outcome: CallOutcome): SessionCall => ({
  ...{ worker: 0, caller: "0.0", session: "s", kind, begin, end, outcome },
});

const owns = (begin: number, end: number, epoch: bigint, continuity?: [number, number, boolean]): SessionCall => {
  const [latencyMs = 0, loss = 0, met = true] = continuity ?? [];
  const reported = continuity === undefined ? undefined : { latencyMs, loss, met };
  return call("takeover", begin, end, { kind: "owned", epoch, created: false, continuity: reported });
};

const append = (begin: number, id: string, epoch: bigint, number: number, outcome: CallOutcome): SessionCall => {
  const text = writeEntry({ id, epoch, number });
  return { ...call("append", begin, begin + 5, outcome), entry: { text, id, epoch } };
};

const done = (seq: number): CallOutcome => ({ kind: "appended", seq });

/** Two owners with an entry each, and one of which its writer never heard: a run in which nothing is wrong. */
const CALLS: readonly SessionCall[] = [
  owns(0, 10, 5n),
  append(20, "a", 5n, 1, done(2)),
  append(30, "b", 5n, 2, { kind: "unknown", code: "killed" }),
  owns(100, 110, 8n, [90, 0, true]),
  append(120, "c", 8n, 3, done(5)),
  append(130, "d", 8n, 4, { kind: "refused", code: "store transient" }),
];

const tail = [
  { seq: 2, text: "a 5 1" },
  { seq: 3, text: "b 5 2" },
  { seq: 5, text: "c 8 3" },
];

const FINAL: Read = {
  ...{ kind: "read", session: "s", epoch: 9n, tail, entries: tail.map(({ text }) => text) },
  records: [1, 2, 3, 4, 5].map((seq) => ({ seq, epoch: seq < 4 ? 5n : 8n })),
  ...{ snapshotSeq: 0, nextSeq: 6 },
};

const judge = (calls: readonly SessionCall[], final: FinalSession = FINAL) =>
  judgeSessions({ calls, alarms: [], finals: [final] });

const kinds = (calls: readonly SessionCall[], final?: FinalSession): string[] => [
  ...new Set(judge(calls, final).map(({ kind }) => kind)),
];

/** The same session with other entries, none of which says under what number it is. */
const holding = (...entries: string[]): Read => ({ ...FINAL, entries, tail: [] });

describe("judge of sessions", () => {
  it("finds nothing wrong where nothing is, an entry included of which nobody heard", () => {
    expect(judge(CALLS)).toEqual([]);
    expect(judge(CALLS.filter(({ entry }) => entry?.id !== "b").slice(0, 2), holding("a 5 1"))).toEqual([]);
  });

  it.each<[string, string, Read]>([
    ["an acknowledged entry that is not there", "lost", holding("a 5 1", "b 5 2")],
    ["an entry with other content", "changed", holding("a 5 1", "b 5 2", "c 9 3")],
    ["an entry under another number", "changed", { ...FINAL, tail: [{ seq: 4, text: "c 8 3" }] }],
    ["an entry that is there twice", "repeated", holding("a 5 1", "b 5 2", "c 8 3", "c 8 3")],
    ["an entry that nobody wrote", "foreign", holding("a 5 1", "b 5 2", "c 8 3", "x 8 4")],
    ["an entry that was refused", "refused_but_written", holding("a 5 1", "b 5 2", "c 8 3", "d 8 4")],
    ["an entry that is not at its place", "gap", holding("a 5 1", "c 8 3")],
    ["an entry of an old owner after one of a new owner", "epoch_order", holding("a 5 1", "c 8 3", "b 5 2")],
    ["a number that the store has left out", "gap", { ...FINAL, records: FINAL.records.slice(1) }],
    [
      "records of the store out of order",
      "epoch_order",
      { ...FINAL, records: FINAL.records.map((each, index) => ({ ...each, epoch: index === 4 ? 5n : each.epoch })) },
    ],
    ["a last owner that is not above all", "epoch_order", { ...FINAL, epoch: 8n }],
  ])("finds %s", (_, kind, final) => {
    expect(kinds(CALLS, final)).toContain(kind);
  });

  it("finds a session that a new owner cannot read", () => {
    expect(kinds(CALLS, { kind: "unreadable", session: "s", reason: "torn" })).toEqual(["unreadable"]);
  });

  it("finds a write of an owner that began after a newer one had the session, with both calls, and no other", () => {
    const late = append(111, "b", 5n, 2, done(3));
    const found = judge(CALLS.map((each) => (each.entry?.id === "b" ? late : each)));
    expect(found.map(({ kind, calls }) => [kind, calls.map(({ begin }) => begin)])).toEqual([
      ["fenced_owner", [100, 111]],
    ]);
    // Under way together: the write may have come first.
    const together = append(105, "b", 5n, 2, done(3));
    expect(judge(CALLS.map((each) => (each.entry?.id === "b" ? together : each)))).toEqual([]);
  });

  it("finds an epoch that is used twice, and one that is smaller than one before it, but not of calls that overlap", () => {
    const twice = judge([...CALLS, owns(105, 140, 8n)]);
    expect(twice.map(({ message }) => message)).toEqual(["two owners had epoch 8"]);
    expect(kinds([...CALLS, owns(200, 210, 7n)])).toEqual(["epoch_order"]);
    expect(judge([...CALLS, owns(105, 140, 7n)])).toEqual([]);
  });

  it.each<[string, [number, number, boolean]]>([
    ["too late", [5_001, 0, true]],
    ["with a loss", [10, 1, true]],
    ["in time, but said to be late", [5_000, 0, false]],
  ])("finds a takeover whose report is wrong: %s", (_, continuity) => {
    expect(kinds([...CALLS, owns(200, 210, 9n, continuity)])).toContain("continuity");
  });

  it("takes alarms for violations", () => {
    const alarms = [{ caller: "0.0", at: 1, session: "s", what: "split brain" }];
    const found = judgeSessions({ calls: CALLS, alarms, finals: [FINAL] });
    expect(found).toMatchObject([{ kind: "alarm", session: "s", message: "worker 0.0 was told: split brain" }]);
  });
});
