// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { ClientError, createClient } from "../src/index.ts";
import { parseTarget, parseTargets } from "../src/target.ts";

describe("endpoints", () => {
  it.each([
    ["a:1", false, "http://a:1"],
    ["a:1", true, "https://a:1"],
    ["http://a:1", true, "http://a:1"],
    ["https://a:1", false, "https://a:1"],
    ["https://a:1/", false, "https://a:1"],
    ["[::1]:50551", false, "http://[::1]:50551"],
  ])("reads %s with tls %s as %s", (text, tls, key) => {
    expect(parseTarget(text, tls).key).toBe(key);
  });

  it.each([
    "",
    "a",
    "a:",
    ":1",
    "a:0",
    "a:65536",
    "a:b",
    "ftp://a:1",
    "http://http://a:1",
    "a:1/path",
    "u@a:1",
    "a\u0000b:1",
    "a b:1",
  ])("refuses %j, naming it and what was expected", (text) => {
    expect(() => createClient({ endpoints: [text] })).toThrow(ClientError);
    expect(() => createClient({ endpoints: [text] })).toThrow(`got ${JSON.stringify(text)}`);
    expect(() => createClient({ endpoints: [text] })).toThrow(
      /\[invalid_endpoint\] expected an endpoint as "host:port"/,
    );
  });

  it("refuses an empty list", () => {
    expect(() => createClient({ endpoints: [] })).toThrow(/\[no_reachable_endpoints\]/);
  });

  it("keeps one of two that are the same", () => {
    expect(parseTargets(["a:1", "http://a:1", "b:1"], false).map(({ key }) => key)).toEqual([
      "http://a:1",
      "http://b:1",
    ]);
  });
});

describe("options", () => {
  it.each([
    [{ pipelining: 0 }, /pipelining/],
    [{ pipelining: 17 }, /pipelining/],
    [{ maxQueuedCalls: 0 }, /maxQueuedCalls/],
    [{ maxQueuedCalls: 1.5 }, /maxQueuedCalls/],
    [{ tls: { cert: "x" } }, /tls\.key is missing/],
    [{ tls: { key: "x" } }, /tls\.cert is missing/],
    [{ tls: { cert: "not PEM", key: "not PEM" } }, /matching PEM/],
    [{ retry: { maxAttempts: 0 } }, /retry\.maxAttempts/],
  ])("refuses %j", (options, message) => {
    expect(() => createClient({ endpoints: ["a:1"], ...options })).toThrow(message);
    expect(() => createClient({ endpoints: ["a:1"], ...options })).toThrow(/\[invalid_options\]/);
  });

  it("dials nobody until it is called", async () => {
    const client = createClient({ endpoints: ["192.0.2.1:1"] });
    expect(client.cachedLeader).toBeUndefined();
    await client.close();
  });
});

describe("client error", () => {
  it("is recognised across copies of the package", () => {
    const foreign = Object.assign(new Error("x"), { "@tsoracle/client.ClientError": true });
    expect(foreign).toBeInstanceOf(ClientError);
    expect(new Error("x")).not.toBeInstanceOf(ClientError);
    expect(new ClientError("rpc", "text", { endpoint: "a:1", grpcStatus: 13, cause: foreign })).toMatchObject({
      code: "rpc",
      endpoint: "a:1",
      grpcStatus: 13,
      cause: foreign,
      message: "[rpc] text (a:1)",
    });
  });
});
