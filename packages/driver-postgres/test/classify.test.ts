// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { classify, factsOf } from "../src/classify.ts";
import { StatementFailure } from "../src/failure.ts";

type Expected = readonly [
  code: string | undefined,
  kind: "transient" | "permanent",
  outcome: "unknown" | "not_done",
  connection: "keep" | "destroy",
  reason: string,
];

const losses = ["08000", "08001", "08003", "08004", "08006", "57P01", "57P02", "57P03", "57P05", "25P03"];
const network = ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"];

const table: readonly Expected[] = [
  ...[...losses, ...network].map((code): Expected => [code, "transient", "unknown", "destroy", "LOST"]),
  ["08P01", "transient", "unknown", "destroy", "LOST"],
  ["26000", "permanent", "not_done", "destroy", "POOLER"],
  ["25006", "transient", "not_done", "destroy", "STANDBY"],
  ...["53300", "53000", "53100", "53200", "53400"].map(
    (code): Expected => [code, "transient", "not_done", "destroy", "EXHAUSTED"],
  ),
  ["58030", "transient", "unknown", "destroy", "EXHAUSTED"],
  ...["40001", "40P01", "55P03", "57014"].map((code): Expected => [code, "transient", "not_done", "keep", "BUSY"]),
  ...["28000", "28P01", "3D000", "57P04"].map((code): Expected => [code, "permanent", "not_done", "destroy", "LOGIN"]),
  ["42501", "permanent", "not_done", "destroy", "PRIVILEGE"],
  ...["3F000", "42P01", "42703", "42883", "42804", "0A000", "22003", "23514", "23505"].map(
    (code): Expected => [code, "permanent", "not_done", "destroy", "SCHEMA"],
  ),
  ["42704", "permanent", "not_done", "destroy", "VERSION"],
  ["TSO01", "permanent", "not_done", "destroy", "REGRESSED"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "permanent", "not_done", "destroy", "TLS"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "permanent", "not_done", "destroy", "TLS"],
  ["XX001", "permanent", "not_done", "destroy", "CORRUPT"],
  ["XX002", "permanent", "not_done", "destroy", "CORRUPT"],
  ["XX000", "transient", "unknown", "destroy", "UNKNOWN"],
  ["99999", "transient", "unknown", "destroy", "UNKNOWN"],
];

describe("error map", () => {
  it.each(table)("%s is %s, %s, %s: %s", (code, kind, outcome, connection, reason) => {
    expect(classify({ code, message: "as it came" })).toMatchObject({ kind, outcome, connection, reason });
  });

  it.each([
    ["Connection terminated unexpectedly", "LOST", "transient"],
    ["Connection terminated", "LOST", "transient"],
    ["The server does not support SSL connections", "TLS", "permanent"],
    ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", "LOGIN", "permanent"],
    ["something else", "UNKNOWN", "transient"],
  ])("%s, without a code, is %s", (message, reason, kind) => {
    expect(classify({ code: undefined, message })).toMatchObject({ reason, kind });
  });

  it("tells a pooler by the startup parameter that it refuses", () => {
    const message = 'unsupported startup parameter: "options"';
    expect(classify({ code: "08P01", message })).toMatchObject({ kind: "permanent", reason: "POOLER" });
  });

  it("tells an overflow by the constraint, and keeps the session", () => {
    const facts = { code: "23514", message: "", constraint: "dense_next_check" };
    expect(classify(facts)).toMatchObject({ kind: "seq_overflow", connection: "keep", outcome: "not_done" });
  });

  it("wakes somebody for what does not pass, and not for a lost connection", () => {
    expect(classify({ code: "53100", message: "" }).alarm).toBe(true);
    expect(classify({ code: "28P01", message: "" }).alarm).toBe(true);
    expect(classify({ code: "ECONNRESET", message: "" }).alarm).toBe(false);
  });

  it("reads the first of several addresses that failed together", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    expect(factsOf(new AggregateError([refused]))).toMatchObject({ code: "ECONNREFUSED" });
    expect(factsOf("text")).toEqual({ code: undefined, message: "text" });
  });
});

describe("what callers are told", () => {
  const lost = Object.assign(new Error("connect reset"), { code: "ECONNRESET" });

  it.each([
    [true, true, "uncertain"],
    [true, false, "transient"],
    [false, true, "transient"],
  ] as const)("of a lost connection: write %s, sent %s, is %s", (isWrite, sent, code) => {
    expect(StatementFailure.of("it failed", lost, sent).toConsensusError(isWrite).code).toBe(code);
  });

  it("says what failed, why, what to do, and the reason in one word", () => {
    const error = Object.assign(new Error("password authentication failed"), { code: "28P01" });
    const { message, code } = StatementFailure.of("cannot connect", error, true).toConsensusError(false);
    expect(code).toBe("permanent");
    expect(message).toMatch(/cannot connect: password authentication failed \(28P01\); check user.*\[LOGIN\]/);
  });

  it("never calls what the server refused uncertain", () => {
    const busy = Object.assign(new Error("canceling statement due to lock timeout"), { code: "55P03" });
    expect(StatementFailure.of("it failed", busy, true).toConsensusError(true).code).toBe("transient");
  });
});
