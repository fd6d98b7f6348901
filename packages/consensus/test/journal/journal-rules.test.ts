// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  checkJournalFence,
  checkJournalId,
  checkJournalLimits,
  JournalError,
  type JournalHead,
  type JournalWrite,
  journalHeadAfter,
  journalRefusal,
} from "../../src/index.ts";

const owner = { epoch: 5n, owner: "a" };
const head: JournalHead = { fence: owner, nextSeq: 4, snapshotSeq: 2 };
const codeOf = (write: JournalWrite, at: JournalHead | undefined = head): string | undefined =>
  journalRefusal("s", at, write)?.code;

describe("journalRefusal", () => {
  it.each([
    [{ kind: "append", fence: owner, seq: 4 }, undefined],
    [{ kind: "append", fence: owner, seq: 3 }, "conflict"],
    [{ kind: "append", fence: owner, seq: 5 }, "conflict"],
    [{ kind: "append", fence: { epoch: 4n, owner: "a" }, seq: 4 }, "fenced"],
    [{ kind: "append", fence: { epoch: 6n, owner: "a" }, seq: 4 }, "fenced"],
    [{ kind: "append", fence: { epoch: 5n, owner: "b" }, seq: 9 }, "split_brain"],
    [{ kind: "takeover", fence: { epoch: 6n, owner: "b" } }, undefined],
    [{ kind: "takeover", fence: owner }, undefined],
    [{ kind: "takeover", fence: { epoch: 4n, owner: "b" } }, "fenced"],
    [{ kind: "takeover", fence: { epoch: 5n, owner: "b" } }, "split_brain"],
    [{ kind: "snapshot", fence: owner, seq: 1, ahead: false }, "conflict"],
    [{ kind: "snapshot", fence: owner, seq: 1, ahead: true }, "conflict"],
    [{ kind: "snapshot", fence: owner, seq: 2, ahead: false }, undefined],
    [{ kind: "snapshot", fence: owner, seq: 3, ahead: false }, undefined],
    [{ kind: "snapshot", fence: owner, seq: 4, ahead: false }, "conflict"],
    [{ kind: "snapshot", fence: owner, seq: 4, ahead: true }, undefined],
    [{ kind: "truncate", fence: owner, seq: 2 }, undefined],
    [{ kind: "truncate", fence: owner, seq: 3 }, "conflict"],
  ] as const)("answers %o with %s", (write, code) => {
    expect(codeOf(write)).toBe(code);
  });

  it("knows no session without a head, and no truncation without a snapshot", () => {
    expect(journalRefusal("s", undefined, { kind: "takeover", fence: owner })?.code).toBe("unknown_session");
    expect(codeOf({ kind: "truncate", fence: owner, seq: 0 }, { fence: owner, nextSeq: 1 })).toBe("conflict");
  });

  it("says who owns the journal, and which number is next", () => {
    const fenced = journalRefusal("s", head, { kind: "append", fence: { epoch: 1n, owner: "b" }, seq: 4 });
    expect([fenced?.current, fenced?.nextSeq]).toEqual([owner, undefined]);
    const conflict = journalRefusal("s", head, { kind: "append", fence: owner, seq: 9 });
    expect([conflict?.current, conflict?.nextSeq]).toEqual([undefined, 4]);
  });
});

describe("journalHeadAfter", () => {
  it("moves the next number by an append, and by a snapshot only where that is ahead", () => {
    expect(journalHeadAfter(head, { kind: "append", fence: owner, seq: 4 })).toEqual({ ...head, nextSeq: 5 });
    const within = journalHeadAfter(head, { kind: "snapshot", fence: owner, seq: 3, ahead: false });
    expect(within).toEqual({ ...head, snapshotSeq: 3 });
    const ahead = journalHeadAfter(head, { kind: "snapshot", fence: owner, seq: 9, ahead: true });
    expect(ahead).toEqual({ ...head, snapshotSeq: 9, nextSeq: 10 });
  });

  it("changes nothing but the owner by a takeover, and nothing by a truncation", () => {
    const fence = { epoch: 6n, owner: "b" };
    expect(journalHeadAfter(head, { kind: "takeover", fence })).toEqual({ ...head, fence });
    expect(journalHeadAfter(head, { kind: "truncate", fence: owner, seq: 2 })).toEqual(head);
  });
});

describe("arguments of a journal", () => {
  it("keep two ids apart that would be one in UTF-8", () => {
    expect(() => checkJournalId("a\ud800")).toThrow(JournalError);
    expect(() => checkJournalId("a\udc00b")).toThrow(/well-formed/);
    expect(checkJournalId("😀")).toBe("😀");
  });

  it("are copied, so that changing a fence later changes nothing", () => {
    const mine = { epoch: 1n, owner: "a", more: true };
    const checked = checkJournalFence(mine);
    mine.epoch = 2n;
    expect(checked).toEqual({ epoch: 1n, owner: "a" });
  });

  it("name what was expected and what came", () => {
    expect(() => checkJournalFence({ epoch: 1 as unknown as bigint, owner: "a" })).toThrow(
      "[invalid] epoch: expected a bigint from 0 to 2^64-1, got 1 (number)",
    );
    expect(() => checkJournalLimits({ maxEntryBytes: 0.5 })).toThrow(/maxEntryBytes: expected an integer/);
  });
});

describe("JournalError", () => {
  it("is known across copies of the package, and by no other error", () => {
    const error = new JournalError("fenced", "over", { current: owner, cause: new Error("why") });
    expect([error.message, error.code, error.current]).toEqual(["[fenced] over", "fenced", owner]);
    expect(error instanceof JournalError).toBe(true);
    expect(new Error("fenced") instanceof JournalError).toBe(false);
    expect(JournalError.from(error)).toBe(error);
    expect(JournalError.from(new Error("x")).code).toBe("permanent");
  });
});
