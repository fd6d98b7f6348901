// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { newConfChange } from "../../src/raft/conf-change.ts";
import { encodeConfChange } from "../../src/raft/confchange/codec.ts";
import {
  describeEntry,
  describeHardState,
  describeMessage,
  describeReady,
  describeTarget,
} from "../../src/raft/describe.ts";
import { quoteBytes } from "../../src/raft/describe-bytes.ts";
import type { Ready } from "../../src/raft/ready.ts";
import {
  emptyHardState,
  emptySnapshot,
  LocalAppendThread,
  LocalApplyThread,
  newEntry,
  newMessage,
  type Snapshot,
} from "../../src/raft/types.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const foo = newEntry({ term: 1, index: 4, data: bytes("foo") });
const snapshot: Snapshot = {
  data: bytes("state"),
  metadata: {
    index: 9,
    term: 2,
    confState: { voters: [1, 2], votersOutgoing: [1], learners: [3], learnersNext: [], autoLeave: true },
  },
};
const snapshotText =
  "Index:9 Term:2 ConfState:Voters:[1 2] VotersOutgoing:[1] Learners:[3] LearnersNext:[] AutoLeave:true";
const nothing: Ready = {
  softState: undefined,
  hardState: emptyHardState,
  readStates: [],
  entries: [],
  snapshot: emptySnapshot,
  committedEntries: [],
  messages: [],
  mustSync: false,
};

describe("text forms: data of entries", () => {
  it.each([
    ["", '""'],
    ['say "hi"\\', '"say \\"hi\\"\\\\"'],
    ["\n\t\r\v\f\b\u0007", '"\\n\\t\\r\\v\\f\\b\\a"'],
    ["\u0000\u001f\u007f", '"\\x00\\x1f\\x7f"'],
    ["é 世界 🙂 ∞", '"é 世界 🙂 ∞"'],
    ["\u00a0\u200b\u{e0001}", '"\\u00a0\\u200b\\U000e0001"'],
  ])("quotes %j", (text, quoted) => {
    expect(quoteBytes(bytes(text))).toBe(quoted);
  });

  it.each([
    ["ff", '"\\xff"'],
    ["c3", '"\\xc3"'],
    ["c328", '"\\xc3("'],
    ["c080", '"\\xc0\\x80"'],
    ["e08080", '"\\xe0\\x80\\x80"'],
    ["eda080", '"\\xed\\xa0\\x80"'],
    ["f4908080", '"\\xf4\\x90\\x80\\x80"'],
    ["e4b8", '"\\xe4\\xb8"'],
    ["efbfbd", '"\ufffd"'],
  ])("shows each byte of %s that is not UTF-8", (hex, quoted) => {
    expect(quoteBytes(Buffer.from(hex, "hex"))).toBe(quoted);
  });
});

describe("text forms: entries and messages", () => {
  it("names entries by term and index, and configuration changes by their steps", () => {
    expect(describeEntry(foo)).toBe('1/4 EntryNormal "foo"');
    expect(describeEntry(newEntry({ term: 1, index: 5, type: "EntryConfChangeV2" }))).toBe("1/5 EntryConfChangeV2");
    const change = encodeConfChange(newConfChange("ConfChangeRemoveNode", 12));
    expect(describeEntry({ term: 2, index: 6, ...change })).toBe("2/6 EntryConfChange r12");
    expect(describeEntry(foo, (data) => `<${data.length}>`)).toBe("1/4 EntryNormal <3>");
  });

  it("does not fail on a configuration change that cannot be read", () => {
    const broken = newEntry({ type: "EntryConfChange", data: Uint8Array.of(0x18) });
    expect(describeEntry(broken)).toBe("0/0 EntryConfChange the data ends inside a number");
  });

  it("shows nodes in hexadecimal, and local threads by name", () => {
    expect([0, 1, 31, LocalAppendThread, LocalApplyThread].map(describeTarget)).toEqual([
      "None",
      "1",
      "1f",
      "AppendThread",
      "ApplyThread",
    ]);
  });

  it("leaves out what is empty", () => {
    expect(describeMessage(newMessage("MsgHeartbeat", { from: 1, to: 2 }))).toBe("1->2 MsgHeartbeat Term:0 Log:0/0");
    expect(describeHardState({ term: 3, vote: 0, commit: 0 })).toBe("Term:3 Commit:0");
    expect(describeHardState({ term: 3, vote: 12, commit: 7 })).toBe("Term:3 Vote:12 Commit:7");
  });

  it("shows everything that a message carries, in a fixed order", () => {
    const message = newMessage("MsgStorageAppend", {
      from: 1,
      to: LocalAppendThread,
      term: 2,
      logTerm: 1,
      index: 3,
      reject: true,
      rejectHint: 8,
      commit: 4,
      vote: 5,
      entries: [foo, { ...foo, index: 5 }],
      snapshot,
      responses: [newMessage("MsgAppResp", { from: 1, to: 10, term: 2, index: 4, entries: [foo, foo] })],
    });
    expect(describeMessage(message)).toBe(
      [
        "1->AppendThread MsgStorageAppend Term:2 Log:1/3 Rejected (Hint: 8) Commit:4 Vote:5 Entries:[",
        '  1/4 EntryNormal "foo"',
        '  1/5 EntryNormal "foo"',
        "]",
        `  Snapshot: ${snapshotText} Responses:[`,
        "  1->a MsgAppResp Term:2 Log:0/4 Entries:[",
        '    1/4 EntryNormal "foo"',
        '    1/4 EntryNormal "foo"',
        "  ]",
        "]",
      ].join("\n"),
    );
    expect(describeMessage(newMessage("MsgApp", { from: 2, to: 1, entries: [foo] }))).toBe(
      '2->1 MsgApp Term:0 Log:0/0 Entries:[1/4 EntryNormal "foo"]',
    );
  });
});

describe("text forms: Ready", () => {
  it("says when there is nothing to do", () => {
    expect(describeReady(nothing)).toBe("<empty Ready>");
    expect(describeReady({ ...nothing, mustSync: true })).toBe("<empty Ready>");
  });

  it("lists all parts in the order in which the host deals with them", () => {
    const ready: Ready = {
      softState: { lead: 1, raftState: "StateLeader" },
      hardState: { term: 1, vote: 1, commit: 4 },
      readStates: [
        { index: 4, requestCtx: Uint8Array.of(1, 255) },
        { index: 5, requestCtx: Uint8Array.of() },
      ],
      entries: [foo],
      snapshot,
      committedEntries: [foo],
      messages: [newMessage("MsgApp", { from: 1, to: 2 })],
      mustSync: true,
    };
    expect(describeReady(ready)).toBe(
      [
        "Ready MustSync=true:",
        "Lead:1 State:StateLeader",
        "HardState Term:1 Vote:1 Commit:4",
        "ReadStates [{4 [1 255]} {5 []}]",
        "Entries:",
        '1/4 EntryNormal "foo"',
        `Snapshot ${snapshotText}`,
        "CommittedEntries:",
        '1/4 EntryNormal "foo"',
        "Messages:",
        "1->2 MsgApp Term:0 Log:0/0",
        "",
      ].join("\n"),
    );
  });
});
