// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type ConsensusErrorCode } from "@tsoracle/consensus";
import { epoch } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { dispositionOf, grantStatus, statusOf } from "../src/classify.ts";
import { Code } from "../src/status.ts";

const table: [ConsensusErrorCode, ReturnType<typeof dispositionOf>["kind"], number, RegExp][] = [
  ["not_leader", "stepped_down", Code.INTERNAL, /^op: /],
  ["fenced", "stepped_down", Code.INTERNAL, /^op: /],
  ["transient", "transient", Code.UNAVAILABLE, /^op: .*why/],
  ["uncertain", "transient", Code.UNAVAILABLE, /^op: .*uncertain/],
  ["permanent", "permanent", Code.INTERNAL, /^op: .*why/],
  ["out_of_range", "permanent", Code.INTERNAL, /^op: .*why/],
  ["closed", "permanent", Code.UNAVAILABLE, /^op: .*why/],
  ["seq_cardinality_exceeded", "refused", Code.RESOURCE_EXHAUSTED, /^dense key cardinality cap/],
  ["seq_overflow", "refused", Code.FAILED_PRECONDITION, /^dense counter overflow/],
  ["dense_not_activated", "refused", Code.FAILED_PRECONDITION, /not yet activated/],
  ["dense_batch_not_activated", "refused", Code.FAILED_PRECONDITION, /not yet activated/],
  ["leases_not_activated", "refused", Code.FAILED_PRECONDITION, /lease format not yet activated/],
];

describe("error classifier", () => {
  it.each(table)("takes %s for %s and status %i", (code, kind, status, message) => {
    const error = new ConsensusError(code, "why");
    expect(dispositionOf(error).kind).toBe(kind);
    const answer = statusOf(error, "op");
    expect(answer.code).toBe(status);
    expect(answer.message).toMatch(message);
    // Presence of the trailer alone means NOT_LEADER to a client, so nothing else may carry one.
    expect(answer.leaderHint).toBeUndefined();
  });

  it("says who fenced a reign", () => {
    const error = new ConsensusError("fenced", "why", { currentEpoch: epoch(9n) });
    expect(dispositionOf(error)).toEqual({ kind: "stepped_down", fencedBy: 9n });
  });

  it("takes what a driver did not classify for permanent", () => {
    expect(dispositionOf(new TypeError("boom"))).toMatchObject({ kind: "permanent", error: { code: "permanent" } });
  });

  it("gives each refused grant its status", () => {
    expect(grantStatus({ ok: false, reason: "invalid_count", count: 262_145 })).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      message: expect.stringContaining("262144"),
    });
    expect(grantStatus({ ok: false, reason: "window_exhausted" })).toMatchObject({
      code: Code.INTERNAL,
      message: "window exhausted",
    });
    for (const refusal of [
      { ok: false, reason: "clock_out_of_range", nowMs: Number.NaN },
      { ok: false, reason: "physical_ms_out_of_range", physicalMs: 2 ** 46 },
    ] as const) {
      expect(grantStatus(refusal)).toMatchObject({
        code: Code.OUT_OF_RANGE,
        message: expect.stringContaining("46-bit"),
      });
    }
  });
});
