// SPDX-License-Identifier: Apache-2.0
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { classify } from "../src/classify.ts";
import { EtcdFailure } from "../src/failure.ts";
import { versionObjection } from "../src/version.ts";

const codeOf = (code: number, details: string, isWrite = true): string =>
  new EtcdFailure(details, classify({ code, details })).toConsensusError(isWrite).code;

describe("G1: what the failure of a call means", () => {
  it.each([
    ["a deadline", status.DEADLINE_EXCEEDED, "Deadline exceeded"],
    ["a lost connection", status.UNAVAILABLE, "read ECONNRESET"],
    ["a cancellation", status.CANCELLED, "Call cancelled"],
    ["a member without a leader", status.UNAVAILABLE, "etcdserver: no leader"],
    ["a leader that changed", status.UNAVAILABLE, "etcdserver: leader changed"],
    ["a slow quorum", status.UNAVAILABLE, "etcdserver: request timed out"],
    ["a stopped server", status.UNKNOWN, "etcdserver: server stopped"],
    ["a broken stream", status.INTERNAL, "Received RST_STREAM with code 2"],
    ["a status that nobody knows", 99, ""],
    // Seen with 3.4.23: 464 of 464 concurrent writes that were answered so had been carried out.
    ["a full store", status.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"],
  ])("leaves a write open after %s, and a read undone", (_, code, details) => {
    expect(codeOf(code, details)).toBe("uncertain");
    expect(codeOf(code, details, false)).toBe("transient");
  });

  it.each([
    ["too many requests", status.RESOURCE_EXHAUSTED, "etcdserver: too many requests"],
    ["a lease that is gone", status.NOT_FOUND, "etcdserver: requested lease not found"],
    ["a token that has expired", status.UNAUTHENTICATED, "etcdserver: invalid auth token"],
  ])("knows that nothing was written after %s", (_, code, details) => {
    expect(codeOf(code, details)).toBe("transient");
  });

  it.each([
    ["a wrong password", status.INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password"],
    ["a missing role", status.PERMISSION_DENIED, "etcdserver: permission denied"],
    ["no user", status.INVALID_ARGUMENT, "etcdserver: user name is empty"],
    ["data that differs between members", status.DATA_LOSS, "etcdserver: corrupt cluster"],
    ["something that is no etcd", status.UNIMPLEMENTED, "unknown service etcdserverpb.KV"],
  ])("wants a person after %s", (_, code, details) => {
    expect(codeOf(code, details)).toBe("permanent");
  });

  it("says what to do about a full store, and asks for a new token only where nothing was done", () => {
    expect(classify({ code: 8, details: "etcdserver: mvcc: database space exceeded" })).toMatchObject({
      alarm: true,
      advice: expect.stringMatching(/compact.*defragment.*NOSPACE/),
    });
    expect(classify({ code: 16, details: "etcdserver: invalid auth token" }).renewToken).toBe(true);
    expect(classify({ code: 14, details: "read ECONNRESET" }).renewToken).toBeUndefined();
  });
});

describe("releases of etcd", () => {
  it.each(["3.4.22", "3.4.23", "3.4.30", "3.5.5", "3.5.21", "3.6.0", "3.6.0-rc.1", "3.7.1", "4.0.0"])(
    "%s is used",
    (version) => expect(versionObjection(version)).toBeUndefined(),
  );

  it.each(["3.5.0", "3.5.1", "3.5.2"])("%s is refused for losing data", (version) => {
    expect(versionObjection(version)).toMatch(/lose acknowledged writes/);
  });

  it.each(["3.4.21", "3.5.3", "3.5.4", "3.3.27", "2.3.8", "", "latest"])("%s is refused", (version) => {
    expect(versionObjection(version)).toMatch(/too old|expected such as/);
  });
});
