// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  classifyHttpAnswer,
  QUORUM_METRICS,
  QuorumError,
  quorumConfig,
  quorumErrorHttpAnswer,
  quorumHttpAnswer,
} from "../src/index.ts";

describe("quorumConfig", () => {
  it("C8 refuses a peer that is configured twice", () => {
    expect(() => quorumConfig({ quorum: 2, peers: ["http://P", "http://p/"] })).toThrow("duplicate peer");
    expect(() => quorumConfig({ quorum: 0, peers: ["http://p", "http://p"] })).toThrow("duplicate peer");
  });

  it("is off by default, and without peers", () => {
    expect([quorumConfig({}), quorumConfig({ peers: ["http://p"] }), quorumConfig({ quorum: 2 })]).toEqual([
      { enabled: false },
      { enabled: false },
      { enabled: false },
    ]);
  });

  it("counts this node, and labels peers by their place", () => {
    expect(quorumConfig({ quorum: 2, peers: ["http://A.example/Path/", "http://b.example"] })).toMatchObject({
      enabled: true,
      policy: { n: 3, w: 2, ackTimeoutMs: 2_000 },
      peers: [
        { address: "http://A.example/Path", label: "peer-0" },
        { address: "http://b.example", label: "peer-1" },
      ],
      catchUp: { firstAfterMs: 5_000, everyMs: 30_000 },
    });
  });

  it("turns the catch-up off at 0", () => {
    expect(quorumConfig({ quorum: 1, peers: ["http://p"], catchUpEveryMs: 0 })).toMatchObject({ catchUp: undefined });
  });

  it.each([
    { quorum: -1 },
    { quorum: 1.5 },
    { quorum: 1, peers: [""] },
    { quorum: 1, peers: [" / "] },
    { quorum: 1, peers: ["p"], ackTimeoutMs: -1 },
    { catchUpEveryMs: Number.NaN },
  ])("refuses %j", (settings) => expect(() => quorumConfig(settings)).toThrow(QuorumError));
});

describe("classifyHttpAnswer", () => {
  it.each([
    [200, undefined, "ack"],
    [202, "", "ack"],
    [204, "<html>", "ack"],
    [200, '{"ids":[]}', "ack"],
    [200, '{"ids":["r0","r1"]}', "ack"],
    [200, '{"ids":"r0"}', "ack"],
    [200, "null", "ack"],
    [201, '{"ids":["r0"]}', "id_drift"],
    [300, undefined, "fail"],
    [199, undefined, "fail"],
    [500, '{"ids":["r1"]}', "fail"],
  ])("takes %i with %j for %s", (status, body, kind) => {
    expect(classifyHttpAnswer(body === undefined ? { status } : { status, body }, "r1").kind).toBe(kind);
  });

  it("names the status", () =>
    expect(classifyHttpAnswer({ status: 409 }, "r1")).toEqual({ kind: "fail", text: "http 409" }));
});

describe("quorumHttpAnswer", () => {
  it("answers a met quorum with its count", () => {
    expect(quorumHttpAnswer({ ok: true, acks: 2 })).toEqual({ status: 201, headers: {}, body: { quorum_acks: 2 } });
  });

  it.each([
    ["timeout", "timeout"],
    ["unreachable", "unreachable"],
    ["id_drift", "id_drift"],
    ["in_flight", "timeout"],
  ] as const)("C9 shows %s as %s, and when to come back", (reason, shown) => {
    const error = QuorumError.notMet({ got: 1, needed: 2, reason });
    expect(quorumHttpAnswer({ ok: false, error })).toEqual({
      status: 503,
      headers: { "retry-after": "2" },
      body: { error: "quorum_not_met", got: 1, needed: 2, reason: shown },
    });
  });

  it.each([
    [QuorumError.invalidPolicy("n must be >= 1"), "invalid_policy:n must be >= 1"],
    [QuorumError.localWriteFailed("disk full"), "local_write_failed:disk full"],
  ])("C9 shows the detail of %s", (error, reason) => {
    expect(quorumErrorHttpAnswer(error)).toMatchObject({
      status: 503,
      body: { error: "quorum_not_met", got: 0, needed: 0, reason },
    });
  });
});

describe("QUORUM_METRICS", () => {
  it("has the names that dashboards rely on", () => {
    expect(QUORUM_METRICS.replication_quorum_ack_total.kind).toBe("counter");
    expect(QUORUM_METRICS.replication_quorum_failures_total.kind).toBe("counter");
    expect(QUORUM_METRICS.replication_clock_skew_seconds.kind).toBe("histogram");
  });
});
