// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  checkEntry,
  checkSession,
  type DurableSession,
  hmacTokens,
  type JournalEntry,
  MAX_ID_BYTES,
  MAX_TEXT_BYTES,
  plainTokens,
  SessionError,
  type StartOptions,
  snapshotJournal,
  snapshotOnly,
  valid,
} from "../src/index.ts";
import { crashedS, sessionS } from "./fixture.ts";

type Deep<T> = { readonly [K in keyof T]?: T[K] | Deep<T[K]> };

const spoilt = (part: Deep<DurableSession>): DurableSession => {
  const session = crashedS();
  const merged = Object.entries(part).map(([key, value]) => {
    const old = session[key as keyof DurableSession];
    const isObject = typeof old === "object" && !Array.isArray(old);
    return [key, isObject ? { ...old, ...(value as object) } : value];
  });
  return { ...session, ...Object.fromEntries(merged) };
};

describe("valid", () => {
  it("holds for what this package makes", () => {
    expect(valid(crashedS(), plainTokens)).toBe(true);
  });

  it.each<[string, Deep<DurableSession>, SessionError["code"]]>([
    ["an empty session id", { snapshot: { sessionId: "" } }, "id_invalid"],
    ["an empty owner", { fence: { owner: "" } }, "id_invalid"],
    ["an epoch below 1", { fence: { epoch: 0n } }, "epoch_out_of_range"],
    ["a checkpoint epoch below 1", { snapshot: { checkpointEpoch: 0n } }, "epoch_out_of_range"],
    ["a checkpoint of a later epoch", { snapshot: { checkpointEpoch: 2n } }, "state_diverged"],
    ["a checkpoint at no time", { snapshot: { checkpointMs: -1 } }, "number_out_of_range"],
    ["an interval below 1", { backend: { checkpointEvery: 0 } }, "number_out_of_range"],
    ["an unknown backend", { backend: { kind: "tape" as "journal_only" } }, "variant_unknown"],
    ["an unknown policy", { resumePolicy: "redo" as "resume" }, "variant_unknown"],
    ["an unknown lifecycle", { snapshot: { lifecycle: "asleep" as "live" } }, "variant_unknown"],
    ["a budget below 0", { continuitySloMs: -1 }, "number_out_of_range"],
    ["a loss below 0", { maxDataLossEvents: -1 }, "number_out_of_range"],
    ["the token of another epoch", { fence: { token: "fence:s-1:node-a:2" } }, "state_diverged"],
    ["another counter", { snapshot: { counter: -2 } }, "state_diverged"],
    ["another lifecycle", { snapshot: { lifecycle: "live" } }, "state_diverged"],
    ["another route", { snapshot: { route: "/other" } }, "state_diverged"],
    ["another base", { base: { counter: 1 } }, "state_diverged"],
    ["a lost entry", { journalRev: crashedS().journalRev.slice(1) }, "state_diverged"],
  ])("does not hold with %s", (_what, part, code) => {
    expect(valid(spoilt(part), plainTokens)).toBe(false);
    expect(() => checkSession(spoilt(part), plainTokens)).toThrow(expect.objectContaining({ code }));
  });

  it("does not hold under another scheme of tokens, nor for what is no session", () => {
    expect(valid(crashedS(), hmacTokens(new Uint8Array(16)))).toBe(false);
    expect(valid(null as unknown as DurableSession, plainTokens)).toBe(false);
  });
});

describe("start", () => {
  it.each<[string, Partial<StartOptions>, SessionError["code"]]>([
    ["no session id", { sessionId: "" }, "id_invalid"],
    ["a session id with U+0000", { sessionId: "a\0" }, "id_invalid"],
    ["an ill-formed owner", { owner: "\udc00" }, "id_invalid"],
    ["an owner that is no text", { owner: 7 as unknown as string }, "id_invalid"],
    ["an id that is too long", { sessionId: "é".repeat(MAX_ID_BYTES / 2 + 1) }, "id_invalid"],
    ["a route that is too long", { route: "x".repeat(MAX_TEXT_BYTES + 1) }, "text_invalid"],
    ["epoch 0", { epoch: 0n }, "epoch_out_of_range"],
    ["an epoch above 64 bits", { epoch: 2n ** 64n }, "epoch_out_of_range"],
    ["an epoch that is a number", { epoch: 1 as unknown as bigint }, "epoch_out_of_range"],
    ["a fraction of a millisecond", { nowMs: 0.5 }, "number_out_of_range"],
    ["a time above 46 bits", { nowMs: 2 ** 46 }, "number_out_of_range"],
    ["a budget below 0", { continuitySloMs: -1 }, "number_out_of_range"],
    ["a loss that is no number", { maxDataLossEvents: Number.NaN }, "number_out_of_range"],
    ["an unknown policy", { resumePolicy: "redo" as "resume" }, "variant_unknown"],
    ["an unknown backend", { backend: { kind: "tape" } as unknown as StartOptions["backend"] }, "variant_unknown"],
  ])("refuses %s", (_what, part, code) => {
    expect(() => sessionS(part)).toThrow(expect.objectContaining({ code, name: "SessionError" }));
    expect(() => sessionS(part)).toThrow(RangeError);
  });

  it("takes ids and texts of exactly the longest length, and any epoch from 1 on", () => {
    const longest = {
      sessionId: "é".repeat(MAX_ID_BYTES / 2),
      route: "x".repeat(MAX_TEXT_BYTES),
      epoch: 2n ** 64n - 1n,
    };
    expect(sessionS(longest).snapshot).toMatchObject({ sessionId: longest.sessionId, checkpointEpoch: longest.epoch });
  });

  it("keeps the parts of a backend that belong to it, and no others", () => {
    const backend = { ...snapshotOnly("pg", 3), secret: "x" };
    expect(sessionS({ backend }).backend).toEqual(snapshotOnly("pg", 3));
  });

  it.each([() => snapshotOnly("", 3), () => snapshotOnly("pg", 0), () => snapshotJournal("pg", "", 3)])(
    "has no backend without a name or an interval, case %#",
    (make) => expect(make).toThrow(SessionError),
  );
});

describe("checkEntry", () => {
  it.each([
    { kind: "deleted" },
    { kind: "counter_delta", delta: "1" },
    { kind: "counter_delta" },
    { kind: "crash_marked", reason: 1 },
    { kind: "restarted", nowMs: -1 },
    { kind: "reconnected", policy: "redo", route: "/", nowMs: 0 },
    { kind: "reconnected", policy: "resume", nowMs: 0 },
  ])("refuses %j, as a rotten store might hold it", (entry) => {
    expect(() => checkEntry(entry as unknown as JournalEntry)).toThrow(SessionError);
  });
});

describe("hmacTokens", () => {
  it.each([new Uint8Array(15), "a secret that is text, not bytes" as unknown as Uint8Array])(
    "refuses a secret that can be guessed, case %#",
    (secret) => expect(() => hmacTokens(secret)).toThrow(expect.objectContaining({ code: "secret_too_short" })),
  );

  it("goes on with its own copy of the secret", () => {
    const secret = new Uint8Array(16).fill(1);
    const tokens = hmacTokens(secret);
    const before = tokens.expected("s-1", "node-a", 1n);
    secret.fill(2);
    expect(tokens.expected("s-1", "node-a", 1n)).toBe(before);
    expect(JSON.stringify(tokens)).not.toContain("1,1");
  });

  it("takes a token only if every character is right", () => {
    const tokens = hmacTokens(new Uint8Array(16).fill(1));
    const right = tokens.expected("s-1", "node-a", 1n);
    expect(tokens.same(right, right)).toBe(true);
    for (let index = 0; index < right.length; index += 1) {
      const wrong = `${right.slice(0, index)}${right[index] === "A" ? "B" : "A"}${right.slice(index + 1)}`;
      expect(tokens.same(wrong, right)).toBe(false);
    }
    for (const wrong of [`${right}=`, right.slice(1), `é${right.slice(1)}`])
      expect(tokens.same(wrong, right)).toBe(false);
  });
});

describe("SessionError", () => {
  it("is known across copies of the package, and claims no other error", () => {
    expect(Object.assign(new Error("x"), { "@tsoracle/session.SessionError": true })).toBeInstanceOf(SessionError);
    expect(new RangeError("x")).not.toBeInstanceOf(SessionError);
    class Finer extends SessionError {}
    expect(new SessionError("id_invalid", "x")).not.toBeInstanceOf(Finer);
  });
});
