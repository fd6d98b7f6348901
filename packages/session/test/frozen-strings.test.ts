// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  backendLabel,
  continuitySignature,
  encodeField,
  expectedToken,
  fenceSignature,
  hmacTokens,
  type JournalEntry,
  journalEntryLabel,
  journalOnly,
  LIFECYCLE_STATES,
  lifecycleLabel,
  type OwnershipError,
  ownershipErrorLabel,
  type PersistenceBackend,
  RESUME_POLICIES,
  reconnect,
  restart,
  resumePolicyLabel,
  signature,
  snapshotJournal,
  snapshotOnly,
  snapshotSignature,
} from "../src/index.ts";
import { crashedS, sessionS, taken } from "./fixture.ts";

/** All six separators, next to characters that look as if they were some. */
const ODD = "a%b|c,d;e:f=g/ ü%3A\u{1F600}";
const ODD_ENCODED = "a%25b%7Cc%2Cd%3Be%3Af%3Dg/ ü%253A\u{1F600}";

const id = fc.string({
  unit: fc.constantFrom("a", "%", "|", ",", ";", ":", "=", "3", "A", "é"),
  minLength: 1,
  maxLength: 6,
});
const epoch = fc.bigInt(1n, 2n ** 64n - 1n);

describe("frozen strings (fencing-quorum-sessions.md 4.6)", () => {
  it("encode the six separators with upper-case hex, and leave all else alone", () => {
    expect(encodeField("%|,;:=")).toBe("%25%7C%2C%3B%3A%3D");
    expect(encodeField(ODD)).toBe(ODD_ENCODED);
    const rest = Array.from({ length: 0x7f }, (_, point) => String.fromCharCode(point)).join("");
    expect(encodeField(rest.replaceAll(/[%|,;:=]/g, ""))).toBe(rest.replaceAll(/[%|,;:=]/g, ""));
  });

  it("encode so that any decoder of percent signs gets the text back", () => {
    const text = fc.string({ unit: fc.constantFrom("%", "|", ",", ";", ":", "=", "2", "5", "C", "\u{1F600}") });
    fc.assert(fc.property(text, (given) => decodeOf(encodeField(given)) === given));
  });

  it("hold the plain token", () => {
    expect(expectedToken("s-1", "node-a", 1n)).toBe("fence:s-1:node-a:1");
    expect(expectedToken(ODD, "n:1", 2n ** 64n - 1n)).toBe(`fence:${ODD_ENCODED}:n%3A1:18446744073709551615`);
    expect(expectedToken("s-1", "node-a", 0n)).toBe("fence:s-1:node-a:0");
  });

  it("hold the HMAC token, as openssl computes it", () => {
    const tokens = hmacTokens(Uint8Array.from({ length: 32 }, (_, index) => index));
    expect(tokens.expected("s-1", "node-a", 1n)).toBe("uFdLj2R-ibLYj-XOMSAYulL33eF5aWMKuwzxMT3uY7U");
    expect(tokens.expected("s-1", "node-b", 2n ** 64n - 1n)).toBe("0aF6cof9_uhxeS37PkvTcmokzD7T_KGp7gcu2xx9jXI");
    expect(tokens.expected("a:b", "n%|", 0n)).toBe("2USJdsY_CMWxxumqli8axIGU5mDMwWgTQM-by6GAKtM");
  });

  it.each<[OwnershipError, string]>([
    [{ kind: "stale_owner", currentEpoch: 2n ** 64n - 1n, requestedEpoch: 0n }, "stale_owner:18446744073709551615:0"],
    [
      { kind: "split_brain", currentOwner: "a:1", requestedOwner: "b|2", epoch: 7n, cause: "reused_epoch" },
      "split_brain:a%3A1:b%7C2:7",
    ],
    [{ kind: "invalid_token", owner: "a=b", epoch: 9n, cause: "wrong_hmac" }, "invalid_token:a%3Db:9"],
  ])("label the error %#, its kind first", (error, label) => {
    expect(ownershipErrorLabel(error)).toBe(label);
    expect(label.split(":")[0]).toBe(error.kind);
  });

  it.each<[PersistenceBackend, string]>([
    [snapshotOnly("pg:1", 3), "snapshot_only:pg%3A1:3"],
    [journalOnly("redis"), "journal_only:redis"],
    [snapshotJournal("pg", "re:dis", 2 ** 53 - 1), "snapshot_journal:pg:re%3Adis:9007199254740991"],
  ])("label the backend %#", (backend, label) => expect(backendLabel(backend)).toBe(label));

  it("label policies and lifecycles in lower case", () => {
    expect(RESUME_POLICIES.map(resumePolicyLabel)).toEqual(["resume", "rehydrate", "remount"]);
    expect(LIFECYCLE_STATES.map(lifecycleLabel)).toEqual(["live", "disconnected", "crashed"]);
  });

  it.each<[JournalEntry, string]>([
    [{ kind: "counter_delta", delta: -5 }, "counter_delta:-5"],
    [{ kind: "counter_delta", delta: 0 }, "counter_delta:0"],
    [{ kind: "crash_marked", reason: "out of memory: 9" }, "crash_marked:out of memory%3A 9"],
    [{ kind: "restarted", nowMs: 1110 }, "restarted:1110"],
    [{ kind: "reconnected", policy: "remount", route: "/a,b", nowMs: 0 }, "reconnected:remount:/a%2Cb:0"],
  ])("label the journal entry %#", (entry, label) => expect(journalEntryLabel(entry)).toBe(label));

  it("sign a fence", () => {
    expect(fenceSignature({ owner: "a|b", epoch: 3n, token: "fence:s:a%7Cb:3" })).toBe(
      "owner=a%7Cb|epoch=3|token=fence%3As%3Aa%257Cb%3A3",
    );
  });

  it("sign a snapshot", () => {
    const at = { counter: -3, lifecycle: "disconnected", checkpointEpoch: 2n ** 63n, checkpointMs: 5 } as const;
    expect(snapshotSignature({ sessionId: "s=1", route: "/a|b", ...at })).toBe(
      "session=s%3D1|route=/a%7Cb|counter=-3|lifecycle=disconnected|checkpoint_epoch=9223372036854775808|checkpoint_ms=5",
    );
  });

  it("sign a continuity report", () => {
    const report = { reconnectLatencyMs: 120, estimatedDataLossEvents: 2, met: false };
    expect(continuitySignature(report)).toBe("latency_ms=120|data_loss=2|met=false");
    expect(continuitySignature({ ...report, met: true })).toBe("latency_ms=120|data_loss=2|met=true");
  });

  it("sign a session at its start", () => {
    expect(signature(sessionS())).toBe(
      "backend=snapshot_journal:pg:redis:3;policy=rehydrate;" +
        "fence=owner=node-a|epoch=1|token=fence%3As-1%3Anode-a%3A1;" +
        "snapshot=session=s-1|route=/counter|counter=0|lifecycle=live|checkpoint_epoch=1|checkpoint_ms=1000;" +
        "journal=;slo_ms=250;max_loss=0",
    );
  });

  it("sign a session with a journal, oldest first", () => {
    const back = reconnect(restart(taken(crashedS(), "node-b", 2n, 1100), 1110), "rehydrate", "/counter", 1150);
    expect(signature(back)).toBe(
      "backend=snapshot_journal:pg:redis:3;policy=rehydrate;" +
        "fence=owner=node-b|epoch=2|token=fence%3As-1%3Anode-b%3A2;" +
        "snapshot=session=s-1|route=/counter|counter=-3|lifecycle=live|checkpoint_epoch=2|checkpoint_ms=1150;" +
        "journal=counter_delta:2,counter_delta:-5,crash_marked:oom,restarted:1110,reconnected:rehydrate:/counter:1150;" +
        "slo_ms=250;max_loss=0",
    );
  });

  it("differ whenever a session, owner or epoch differs", () => {
    const claim = fc.tuple(id, id, epoch);
    fc.assert(
      fc.property(claim, claim, (left, right) => {
        const same = left.every((part, index) => part === right[index]);
        expect(expectedToken(...left) === expectedToken(...right)).toBe(same);
      }),
      {
        examples: [
          [
            ["a:b", "c", 1n],
            ["a", "b:c", 1n],
          ],
        ],
      },
    );
  });

  it("differ whenever a route or reason differs that holds separators", () => {
    const text = fc.string({ unit: fc.constantFrom(",", ":", ";", "%", "2", "C", "x"), maxLength: 5 });
    const entry = fc.oneof(
      fc.record({ kind: fc.constant("crash_marked" as const), reason: text }),
      fc.record({
        kind: fc.constant("reconnected" as const),
        policy: fc.constantFrom(...RESUME_POLICIES),
        route: text,
        nowMs: fc.nat({ max: 3 }),
      }),
    );
    const entries = fc.array(entry, { minLength: 1, maxLength: 3 });
    const labels = (list: readonly JournalEntry[]): string => list.map(journalEntryLabel).join(",");
    fc.assert(
      fc.property(entries, entries, (left, right) => {
        expect(labels(left) === labels(right)).toBe(JSON.stringify(left) === JSON.stringify(right));
      }),
    );
  });
});

/** Percent decoding by hand, for the six and only for them. */
function decodeOf(text: string): string {
  return text
    .replaceAll("%7C", "|")
    .replaceAll("%2C", ",")
    .replaceAll("%3B", ";")
    .replaceAll("%3A", ":")
    .replaceAll("%3D", "=")
    .replaceAll("%25", "%");
}
