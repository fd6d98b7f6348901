// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { checkOptions, type RaftDriverOptions, splitAddress } from "../../src/node/options.ts";

const check = (options: Partial<Record<keyof RaftDriverOptions, unknown>>) =>
  checkOptions({ directory: "d", ...options } as RaftDriverOptions);

describe("the options of a node", () => {
  it("have defaults that are the reference's", () => {
    expect(check({})).toMatchObject({
      freshness: "confirm",
      terms: { heartbeatMs: 100, electionTicks: 10, drift: 0.1 },
      opTimeoutMs: 2_000,
      allowInsecurePeer: false,
      takeOverLock: false,
    });
  });

  it.each([
    [{ directory: "" }, /directory: expected the path/],
    [{ directory: undefined }, /directory: expected the path/],
    [{ freshness: "hope" }, /freshness: expected "lease" or "confirm", got "hope"/],
    [{ heartbeatMs: 9 }, /heartbeatMs: expected whole milliseconds in 10\.\.=60000, got 9/],
    [{ heartbeatMs: 60_001, electionMs: 600_010 }, /heartbeatMs: .*got 60001/],
    [{ heartbeatMs: 10.5 }, /heartbeatMs: .*got 10\.5/],
    [{ electionMs: 499 }, /electionMs: expected at least 5 heartbeats of 100 ms, got 499/],
    [{ electionMs: Number.NaN }, /electionMs: /],
    [{ drift: 0.5 }, /drift: expected a share in 0\.\.<0\.5, got 0\.5/],
    [{ drift: Number.NaN }, /drift: /],
    [{ drift: -0.1 }, /drift: /],
    [{ heartbeatMs: 10, electionMs: 50, drift: 0.45 }, /leave no lease of two heartbeats/],
    [{ opTimeoutMs: 0 }, /opTimeoutMs: expected milliseconds above 0/],
    [{ opTimeoutMs: 2 ** 31 }, /opTimeoutMs: .*up to 2\^31-1, got 2147483648/],
    [{ listen: "localhost" }, /listen: expected an address host:port, got 'localhost'/],
    [{ listen: "127.0.0.1:65536" }, /listen: expected an address/],
    [{ listen: "0.0.0.0:7000" }, /without TLS/],
    [{ peers: { two: "127.0.0.1:1" } }, /peers: expected a member id, got 'two'/],
    [{ peers: { 0: "127.0.0.1:1" } }, /peers: expected a member id, got '0'/],
    [{ peers: { 2: "nowhere" } }, /peers: expected host:port for member 2, got 'nowhere'/],
  ])("are refused when wrong, in words: %j", (options, message) => {
    expect(() => check(options)).toThrow(message);
  });

  it("take addresses of both families", () => {
    expect(splitAddress("listen", "[::1]:0")).toEqual({ host: "::1", port: 0 });
    expect(splitAddress("listen", "localhost:7000")).toEqual({ host: "localhost", port: 7_000 });
    expect(() => splitAddress("listen", "::1:7000")).toThrow(/listen: expected an address/);
  });

  it("let a routable address through only with a word or with certificates", () => {
    const tls = { certFile: "c", keyFile: "k", caFile: "a" };
    expect(check({ listen: "0.0.0.0:7000", allowInsecurePeer: true }).listen?.host).toBe("0.0.0.0");
    expect(check({ listen: "0.0.0.0:7000", tls }).listen?.port).toBe(7_000);
  });
});
