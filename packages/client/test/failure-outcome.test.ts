// SPDX-License-Identifier: Apache-2.0
import { epoch, peerEndpoint } from "@tsoracle/core";
import { decodeLeaderHint, encodeLeaderHint, type LeaderHintReading } from "@tsoracle/proto";
import { describe, expect, it } from "vitest";
import { outcomeOfFailure } from "../src/attempt-outcome.ts";
import { guardedMetrics } from "../src/client-metrics.ts";
import { LeaderCache } from "../src/leader-cache.ts";
import { errorOfFailure, type RpcFailure } from "../src/rpc-failure.ts";
import { seqOutcomeOfFailure } from "../src/seq-outcome.ts";
import { targetOf } from "../src/target.ts";

const asked = targetOf("asked:1", false);
const named = peerEndpoint("named:1");
const hint = (fields: Parameters<typeof encodeLeaderHint>[0]): LeaderHintReading =>
  decodeLeaderHint(encodeLeaderHint(fields));
const hintText = (text: string): LeaderHintReading => ({
  kind: "decoded",
  leaderEndpoint: text,
  leaderEpoch: undefined,
});
const malformed: LeaderHintReading = { kind: "malformed", reason: "garbage" };

function failing(status: number, reading?: LeaderHintReading, phase: "connect" | "call" = "call"): RpcFailure {
  return { target: asked, phase, status, message: "as scripted", hint: reading };
}

function setup(options: { tls?: boolean; cached?: bigint } = {}) {
  const counts: string[] = [];
  const leaders = new LeaderCache(30_000);
  if (options.cached !== undefined) leaders.recordSuccess(asked, epoch(options.cached), 0);
  const metrics = guardedMetrics({
    count: (name, labels) => counts.push(labels === undefined ? name : `${name}:${labels.reason}`),
    gauge: () => {},
    observe: () => {},
  });
  return { counts, leaders, context: { leaders, tls: options.tls === true, metrics, now: 1 } };
}

describe("a failed attempt of a call that may be repeated (5.4)", () => {
  it.each([
    ["a usable hint", failing(9, hint({ leaderEndpoint: named, leaderEpoch: epoch(5n) })), "redirect"],
    ["a hint without an epoch, nobody cached", failing(9, hint({ leaderEndpoint: named })), "redirect"],
    ["an empty trailer", failing(9, hint({})), "leaderless"],
    ["an epoch without an endpoint", failing(9, hint({ leaderEpoch: epoch(5n) })), "leaderless"],
    ["a server that names itself", failing(9, hintText("asked:1")), "leaderless"],
    ["a malformed hint", failing(9, malformed), "hint_refused"],
    ["a hint with a scheme", failing(9, hintText("http://named:1")), "hint_refused"],
    ["a hint without a port", failing(9, hintText("named")), "hint_refused"],
    ["a hint with a path", failing(9, hintText("named/../x:1")), "hint_refused"],
    ["FAILED_PRECONDITION without a trailer", failing(9), "failed"],
    ["another status with a trailer", failing(13, hint({ leaderEndpoint: named })), "failed"],
    ["INTERNAL", failing(13), "failed"],
  ])("%s", (_name, failure, kind) => {
    expect(outcomeOfFailure(failure, setup().context)).toMatchObject({ kind });
  });

  it.each([
    ["UNAVAILABLE", failing(14), true],
    ["DEADLINE_EXCEEDED", failing(4), true],
    ["a failed dial", failing(14, undefined, "connect"), true],
    ["INTERNAL", failing(13), false],
    ["RESOURCE_EXHAUSTED", failing(8), false],
    ["UNKNOWN", failing(2), false],
  ])("%s is the transport's failure: %s", (_name, failure, transport) => {
    expect(outcomeOfFailure(failure, setup().context)).toMatchObject({ kind: "failed", transport });
  });

  it.each([
    ["of a lower epoch", hint({ leaderEndpoint: named, leaderEpoch: epoch(4n) })],
    ["without an epoch", hint({ leaderEndpoint: named })],
  ])("a hint %s is stale against a fresh entry, and leaves it alone", (_name, reading) => {
    const { context, leaders, counts } = setup({ cached: 5n });
    expect(outcomeOfFailure(failing(9, reading), context)).toMatchObject({ kind: "leaderless" });
    expect(leaders.fresh(1)).toMatchObject({ target: asked, epoch: 5n });
    expect(counts).toContain("tsoracle.client.leader_hint.stale.total");
  });

  it.each([malformed, hintText("http://named:1"), hint({})])("no harmless refusal clears the cache", (reading) => {
    const { context, leaders } = setup({ cached: 5n });
    outcomeOfFailure(failing(9, reading), context);
    expect(leaders.fresh(1)).toMatchObject({ target: asked, epoch: 5n });
  });

  it("speaks TLS to a hinted server when it speaks TLS", () => {
    const { context } = setup({ tls: true });
    expect(outcomeOfFailure(failing(9, hint({ leaderEndpoint: named })), context)).toMatchObject({
      kind: "redirect",
      target: { key: "https://named:1", secure: true },
    });
  });

  it("counts what happened, and survives a metrics adapter that throws", () => {
    const { context, counts } = setup();
    outcomeOfFailure(failing(9, malformed), context);
    outcomeOfFailure(failing(9, hint({ leaderEndpoint: named })), context);
    outcomeOfFailure(failing(14, undefined, "connect"), context);
    expect(counts).toEqual([
      "tsoracle.client.not_leader.total",
      "tsoracle.client.retries.total:decode_error",
      "tsoracle.client.leader_hint.decode_failures.total",
      "tsoracle.client.not_leader.total",
      "tsoracle.client.retries.total:not_leader",
      "tsoracle.client.leader_pivots.total",
      "tsoracle.client.retries.total:connect_failure",
    ]);
    const broken = (): never => {
      throw new Error("adapter");
    };
    const metrics = guardedMetrics({ count: broken, gauge: broken, observe: broken });
    expect(outcomeOfFailure(failing(13), { ...context, metrics })).toMatchObject({ kind: "failed" });
  });
});

describe("a leader hint", () => {
  it.each([
    ["with a control character", "a\u0007b:1"],
    ["longer than any host name", `${"a".repeat(254)}:1`],
  ])("is not followed %s", (_what, text) => {
    const leaders = new LeaderCache(1_000);
    const context = { leaders, tls: false, metrics: guardedMetrics(undefined), now: 0 };
    expect(outcomeOfFailure(failing(9, hintText(text)), context)).toMatchObject({ kind: "hint_refused" });
    expect(leaders.fresh(0)).toBeUndefined();
  });
});

describe("a failed sequence advance (5.5)", () => {
  it.each([
    ["a failed dial", failing(14, undefined, "connect"), "retry"],
    ["a dial that took too long", failing(4, undefined, "connect"), "retry"],
    ["FAILED_PRECONDITION without trailer", failing(9), "refused"],
    ["FAILED_PRECONDITION with a usable hint", failing(9, hint({ leaderEndpoint: named })), "retry"],
    ["FAILED_PRECONDITION, leaderless", failing(9, hint({})), "retry"],
    ["FAILED_PRECONDITION, malformed hint", failing(9, malformed), "refused"],
    ["FAILED_PRECONDITION, refused hint", failing(9, hintText("http://x:1")), "refused"],
    ["INVALID_ARGUMENT", failing(3), "refused"],
    ["RESOURCE_EXHAUSTED", failing(8), "refused"],
    ["UNIMPLEMENTED", failing(12), "refused"],
    ["CANCELLED", failing(1), "uncertain"],
    ["UNKNOWN", failing(2), "uncertain"],
    ["DEADLINE_EXCEEDED", failing(4), "uncertain"],
    ["NOT_FOUND", failing(5), "uncertain"],
    ["PERMISSION_DENIED", failing(7), "uncertain"],
    ["ABORTED", failing(10), "uncertain"],
    ["OUT_OF_RANGE", failing(11), "uncertain"],
    ["INTERNAL", failing(13), "uncertain"],
    ["UNAVAILABLE", failing(14), "uncertain"],
    ["DATA_LOSS", failing(15), "uncertain"],
    ["UNAUTHENTICATED", failing(16), "uncertain"],
    ["UNAVAILABLE with a hint", failing(14, hint({ leaderEndpoint: named })), "uncertain"],
  ])("%s: %s", (_name, failure, kind) => {
    const outcome = seqOutcomeOfFailure(failure, setup().context);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === "uncertain")
      expect(outcome.error).toMatchObject({ code: "seq_uncertain", endpoint: "asked:1" });
    if (failure.status === 3) expect(outcome).toMatchObject({ error: { code: "invalid_seq_key" } });
  });

  it("rides out a stale hint", () => {
    const { context } = setup({ cached: 5n });
    const stale = failing(9, hint({ leaderEndpoint: named, leaderEpoch: epoch(1n) }));
    expect(seqOutcomeOfFailure(stale, context)).toMatchObject({ kind: "retry", outcome: { kind: "leaderless" } });
  });
});

describe("errorOfFailure", () => {
  it("names the status as people know it, with what the server said and who said it", () => {
    const error = errorOfFailure(failing(3));
    expect(error).toMatchObject({ code: "rpc", grpcStatus: 3, endpoint: "asked:1" });
    expect(error.message).toContain("INVALID_ARGUMENT");
    expect(errorOfFailure(failing(99)).message).toContain("status 99");
  });
});
