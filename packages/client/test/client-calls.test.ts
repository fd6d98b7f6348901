// SPDX-License-Identifier: Apache-2.0
import { epoch, MAX_LEASE_HOLDER_BYTES } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type Client, type ClientOptions, createClient } from "../src/index.ts";
import { closedPort, leading, notLeader, ScriptedOracle, SharedCounter, silentPort } from "./scripted-oracle.ts";

const FAST = { baseBackoffMs: 1, maxBackoffMs: 5, maxElectionBackoffMs: 5 };
const status = (code: number, details = "as scripted"): object => ({ kind: "status", code, details });
const one = { hi: 0n, lo: 1n };

function clientOf(endpoints: readonly string[], options: Partial<ClientOptions> = {}): Client {
  return createClient({ endpoints, retry: FAST, ...options });
}

describe("getSeq", () => {
  it("returns the block that was taken", async () => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => ({ key: "orders", start: 40n, count: 3, epoch: { hi: 1n, lo: 2n } });
    await using client = clientOf([oracle.endpoint]);
    expect(await client.getSeq("orders", 3)).toEqual({ key: "orders", start: 40n, count: 3, epoch: (1n << 64n) | 2n });
  });

  it.each([
    ["", 1, "invalid_seq_key"],
    ["x".repeat(129), 1, "invalid_seq_key"],
    ["ä".repeat(65), 1, "invalid_seq_key"],
    ["\ud800", 1, "invalid_seq_key"],
    ["a", 0, "invalid_count"],
    ["a", -1, "invalid_count"],
    ["a", 1.5, "invalid_count"],
    ["a", 2 ** 32, "invalid_count"],
  ])("refuses key %j with count %s and sends nothing", async (key, count, code) => {
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint]);
    await expect(client.getSeq(key, count)).rejects.toMatchObject({ code });
    await expect(client.getSeqBatch([{ key, count }])).rejects.toMatchObject({ code });
    expect(oracle.called).toEqual([]);
  });

  it("refuses a key that is no string, which would come back as one", async () => {
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint]);
    for (const key of [5, undefined, null, {}]) {
      await expect(client.getSeq(key as never, 1)).rejects.toMatchObject({ code: "invalid_seq_key" });
      await expect(client.loadSeq(key as never)).rejects.toMatchObject({ code: "invalid_seq_key" });
    }
    expect(oracle.called).toEqual([]);
  });

  it("can be given up while a server is being dialled, at once and with the reason", async () => {
    await using silent = await silentPort();
    await using client = clientOf([silent.endpoint], {
      retry: { ...FAST, perAttemptDeadlineMs: 600_000, overallDeadlineMs: 600_000 },
    });
    const abort = new AbortController();
    const calls = [
      client.getSeq("a", 1, { signal: abort.signal }),
      client.renewLease(1n, { signal: abort.signal }),
      client.getTs({ signal: abort.signal }),
    ];
    const settled = Promise.allSettled(calls);
    await expect.poll(() => silent.accepted()).toBeGreaterThan(0);
    abort.abort(new Error("enough"));
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { message: "enough" } });
    }
  });

  it.each([
    ["another key", { key: "b", start: 0n, count: 2, epoch: one }],
    ["another count", { key: "a", start: 0n, count: 1, epoch: one }],
    ["no epoch", { key: "a", start: 0n, count: 2, epoch: undefined }],
    ["a block beyond 64 bits", { key: "a", start: 2n ** 64n - 1n, count: 2, epoch: one }],
  ])("is uncertain when the answer has %s", async (_name, answer) => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => answer;
    await using client = clientOf([oracle.endpoint]);
    await expect(client.getSeq("a", 2)).rejects.toMatchObject({ code: "seq_uncertain", endpoint: oracle.endpoint });
    expect(oracle.called).toEqual(["getSeq"]);
  });

  it("is uncertain, and not repeated, when the server fails after it was asked", async () => {
    for (const code of [2, 10, 13, 14]) {
      await using oracle = await ScriptedOracle.start();
      oracle.unary = () => status(code);
      await using client = clientOf([oracle.endpoint]);
      await expect(client.getSeq("a", 1)).rejects.toMatchObject({ code: "seq_uncertain", grpcStatus: code });
      expect(oracle.called).toEqual(["getSeq"]);
    }
  });

  it("is uncertain when the server dies or stalls with the request in hand", async () => {
    const dying = await ScriptedOracle.start();
    dying.unary = () => {
      setImmediate(() => dying.kill());
      return undefined;
    };
    await using first = clientOf([dying.endpoint]);
    await expect(first.getSeq("a", 1)).rejects.toMatchObject({ code: "seq_uncertain" });
    await using stalled = await ScriptedOracle.start();
    stalled.unary = () => undefined;
    await using second = clientOf([stalled.endpoint], { retry: { ...FAST, perAttemptDeadlineMs: 1_000 } });
    await expect(second.getSeq("a", 1)).rejects.toMatchObject({ code: "seq_uncertain", grpcStatus: 4 });
    expect(stalled.called).toEqual(["getSeq"]);
  });

  it("goes on elsewhere when it could not connect, because nothing was sent", async () => {
    await using silent = await silentPort();
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => ({ key: "a", start: 0n, count: 1, epoch: one });
    await using client = clientOf([await closedPort(), silent.endpoint, oracle.endpoint], {
      retry: { ...FAST, perAttemptDeadlineMs: 1_500 },
    });
    await client.getSeq("a", 1);
    expect(oracle.called).toEqual(["getSeq"]);
  });

  it("follows a hint, and rides out a server that knows of no leader", async () => {
    await using leader = await ScriptedOracle.start();
    leader.unary = () => (leader.called.length < 4 ? notLeader({}) : { key: "a", start: 9n, count: 1, epoch: one });
    await using follower = await ScriptedOracle.start();
    follower.unary = () => notLeader({ leaderEndpoint: leader.endpoint, leaderEpoch: epoch(1n) });
    await using client = clientOf([follower.endpoint]);
    expect((await client.getSeq("a", 1)).start).toBe(9n);
    expect(client.cachedLeader).toEqual({ endpoint: leader.endpoint, epoch: 1n });
  });

  it.each([
    [9, "rpc"],
    [3, "invalid_seq_key"],
    [8, "rpc"],
    [12, "rpc"],
  ])("takes status %s without trailer as final", async (code, expected) => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => status(code);
    await using client = clientOf([oracle.endpoint]);
    await expect(client.getSeq("a", 1)).rejects.toMatchObject({ code: expected, grpcStatus: code });
    expect(oracle.called).toEqual(["getSeq"]);
  });

  it("is uncertain when it is given up after it was sent, and simply given up before", async () => {
    await using oracle = await ScriptedOracle.start();
    const controller = new AbortController();
    const reason = new Error("enough");
    oracle.unary = () => {
      controller.abort(reason);
      return undefined;
    };
    await using client = clientOf([oracle.endpoint]);
    await expect(client.getSeq("a", 1, { signal: controller.signal })).rejects.toMatchObject({
      code: "seq_uncertain",
      cause: { cause: reason },
    });
    await expect(client.getSeq("a", 1, { signal: controller.signal })).rejects.toBe(reason);
    expect(oracle.called).toEqual(["getSeq"]);
  });

  it("is uncertain when the client is closed under it", async () => {
    await using oracle = await ScriptedOracle.start();
    const client = clientOf([oracle.endpoint]);
    const asked = new Promise<void>((resolve) => {
      oracle.unary = () => {
        resolve();
        return undefined;
      };
    });
    const call = expect(client.getSeq("a", 1)).rejects.toMatchObject({
      code: "seq_uncertain",
      cause: { code: "closed" },
    });
    await asked;
    await client.close();
    await call;
  });
});

describe("getSeqBatch", () => {
  const entries = [
    { key: "a", count: 1 },
    { key: "b", count: 2 },
  ];
  const grants = [
    { key: "a", start: 5n, count: 1 },
    { key: "b", start: 0n, count: 2 },
  ];

  it("returns one block for each entry, in order", async () => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => ({ grants, epoch: one });
    await using client = clientOf([oracle.endpoint]);
    expect(await client.getSeqBatch(entries)).toEqual(grants.map((grant) => ({ ...grant, epoch: 1n })));
  });

  it.each([
    ["fewer blocks", { grants: grants.slice(1), epoch: one }],
    ["blocks in another order", { grants: [...grants].reverse(), epoch: one }],
    ["no epoch", { grants, epoch: undefined }],
  ])("is uncertain when the answer has %s", async (_name, answer) => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => answer;
    await using client = clientOf([oracle.endpoint]);
    await expect(client.getSeqBatch(entries)).rejects.toMatchObject({ code: "seq_uncertain" });
  });

  it("refuses an empty batch and a key that stands twice", async () => {
    await using client = clientOf([await closedPort()]);
    await expect(client.getSeqBatch([])).rejects.toMatchObject({ code: "invalid_count" });
    await expect(client.getSeqBatch([...entries, { key: "a", count: 9 }])).rejects.toMatchObject({
      code: "invalid_seq_key",
    });
  });
});

describe("loadSeq", () => {
  it("tells where a sequence stands, asking again where getSeq may not", async () => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => (oracle.called.length < 3 ? status(14) : { key: "a", next: 77n, epoch: one });
    await using client = clientOf([oracle.endpoint]);
    expect(await client.loadSeq("a")).toEqual({ key: "a", next: 77n, epoch: 1n });
    expect(oracle.called).toEqual(["loadSeq", "loadSeq", "loadSeq"]);
  });

  it("says so when the server cannot tell, or tells of another key", async () => {
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint]);
    await expect(client.loadSeq("a")).rejects.toMatchObject({ code: "rpc", grpcStatus: 12 });
    oracle.unary = () => ({ key: "b", next: 77n, epoch: one });
    await expect(client.loadSeq("a")).rejects.toMatchObject({ code: "protocol_violation" });
  });
});

describe("bounds", () => {
  it("has room for no more calls than it is told, and has it again when one has ended", async () => {
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint], { maxQueuedCalls: 1 });
    const controller = new AbortController();
    oracle.unary = () => undefined;
    const first = client.getCurrentMaxSafe({ signal: controller.signal });
    await expect(client.getSeq("a", 1)).rejects.toMatchObject({ code: "overloaded" });
    controller.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    oracle.unary = () => ({ key: "a", start: 0n, count: 1, epoch: one });
    await client.getSeq("a", 1);
  });
});

describe("leases and safe points (5.6)", () => {
  const request = { holder: "worker-1", holderEpoch: 3n, ttlMs: 10_000 };
  const lease = { leaseId: 5n, tsUpperBound: 1_000n, expiresAtMs: 2_000n, epoch: one };

  it("acquires, renews and releases", async () => {
    await using oracle = await ScriptedOracle.start();
    const requests: unknown[] = [];
    oracle.unary = (method, asked) => {
      requests.push(asked);
      return method === "releaseLease" ? {} : lease;
    };
    await using client = clientOf([oracle.endpoint]);
    const expected = { leaseId: 5n, tsUpperBound: 1_000, expiresAtMs: 2_000, epoch: 1n };
    expect(await client.acquireLease(request)).toEqual(expected);
    expect(await client.renewLease(5n)).toEqual(expected);
    expect(await client.releaseLease(5n)).toBeUndefined();
    expect(oracle.called).toEqual(["acquireLease", "renewLease", "releaseLease"]);
    expect(requests[0]).toMatchObject({ holderEpoch: 3n, ttlMs: 10_000n });
    expect(Buffer.from((requests[0] as { holder: Uint8Array }).holder).toString()).toBe("worker-1");
  });

  it("attempts once, and goes to the named leader with the next call", async () => {
    await using leader = await ScriptedOracle.start();
    leader.unary = () => lease;
    await using follower = await ScriptedOracle.start();
    follower.unary = () => notLeader({ leaderEndpoint: leader.endpoint, leaderEpoch: epoch(1n) });
    await using client = clientOf([follower.endpoint]);
    await expect(client.acquireLease(request)).rejects.toMatchObject({
      code: "no_leader",
      endpoint: follower.endpoint,
    });
    await client.acquireLease(request);
    expect(follower.called).toEqual(["acquireLease"]);
    expect(client.cachedLeader?.endpoint).toBe(leader.endpoint);
  });

  it("asks another server with the next call when one is gone or knows of no leader", async () => {
    await using leader = await ScriptedOracle.start();
    leader.unary = () => lease;
    await using lost = await ScriptedOracle.start();
    lost.unary = () => notLeader({});
    await using client = clientOf([await closedPort(), lost.endpoint, leader.endpoint]);
    await expect(client.acquireLease(request)).rejects.toMatchObject({ code: "transport" });
    await expect(client.acquireLease(request)).rejects.toMatchObject({ code: "no_leader" });
    await client.acquireLease(request);
    // Then the leader dies: a holder that only renews must not stay with it for as long as it is remembered.
    leader.kill();
    lost.unary = () => lease;
    await expect(client.renewLease(5n)).rejects.toMatchObject({ code: "transport", endpoint: leader.endpoint });
    await expect(client.renewLease(5n)).rejects.toMatchObject({ code: "transport" });
    await client.renewLease(5n);
  });

  it("leaves the cached leader alone when a lease is refused or released", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(7n)));
    oracle.unary = (method) => (method === "releaseLease" ? {} : status(9, "lease expired"));
    await using client = clientOf([oracle.endpoint]);
    await client.releaseLease(1n);
    expect(client.cachedLeader).toBeUndefined();
    await client.getTs();
    await expect(client.renewLease(1n)).rejects.toMatchObject({ code: "rpc", grpcStatus: 9 });
    expect(client.cachedLeader).toEqual({ endpoint: oracle.endpoint, epoch: 7n });
  });

  it.each([
    [{ ...request, holder: "" }],
    [{ ...request, holder: "x".repeat(MAX_LEASE_HOLDER_BYTES + 1) }],
    [{ ...request, ttlMs: 0 }],
    [{ ...request, ttlMs: 1.5 }],
    [{ ...request, holderEpoch: -1n }],
    [{ ...request, holderEpoch: 2n ** 64n }],
  ])("refuses %o and sends nothing", async (bad) => {
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint]);
    await expect(client.acquireLease(bad)).rejects.toMatchObject({ code: "invalid_lease" });
    expect(oracle.called).toEqual([]);
  });

  it("reads safe points, and does not take a server that answers for the leader", async () => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = (method) =>
      method === "getSafeFrontier"
        ? { frontierPhysicalMs: 50n, epochHi: 0n, epochLo: 1n }
        : { maxSafePhysicalMs: 0n, epochHi: 0n, epochLo: 0n };
    await using client = clientOf([oracle.endpoint]);
    expect(await client.getSafeFrontier()).toEqual({ physicalMs: 50, epoch: 1n });
    expect(await client.getCurrentMaxSafe()).toEqual({ physicalMs: 0, epoch: 0n });
    expect(client.cachedLeader).toBeUndefined();
  });

  it.each([
    ["getCurrentMaxSafe", { maxSafePhysicalMs: 2n ** 46n, epochHi: 0n, epochLo: 0n }],
    ["getSafeFrontier", { frontierPhysicalMs: 2n ** 63n, epochHi: 0n, epochLo: 0n }],
  ] as const)("refuses a point beyond 46 bits from %s", async (method, answer) => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => answer;
    await using client = clientOf([oracle.endpoint]);
    await expect(client[method]()).rejects.toMatchObject({ code: "protocol_violation" });
  });

  it("is bounded in time, and dials anew after a stall", async () => {
    await using oracle = await ScriptedOracle.start();
    oracle.unary = () => (oracle.called.length === 1 ? undefined : { maxSafePhysicalMs: 9n, epochHi: 0n, epochLo: 0n });
    await using client = clientOf([oracle.endpoint], { retry: { ...FAST, perAttemptDeadlineMs: 1_000 } });
    await expect(client.getCurrentMaxSafe()).rejects.toMatchObject({
      code: "deadline_exceeded",
      endpoint: oracle.endpoint,
    });
    expect((await client.getCurrentMaxSafe()).physicalMs).toBe(9);
  });

  it("can be given up", async () => {
    await using oracle = await ScriptedOracle.start();
    const controller = new AbortController();
    const reason = new Error("enough");
    oracle.unary = () => {
      controller.abort(reason);
      return undefined;
    };
    await using client = clientOf([oracle.endpoint]);
    await expect(client.getSafeFrontier({ signal: controller.signal })).rejects.toBe(reason);
  });
});
