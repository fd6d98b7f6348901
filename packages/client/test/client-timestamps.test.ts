// SPDX-License-Identifier: Apache-2.0
import { epoch, MAX_TIMESTAMPS_PER_RPC, type Timestamp } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type Client, type ClientMetrics, type ClientOptions, createClient } from "../src/index.ts";
import { closedPort, leading, notLeader, ScriptedOracle, SharedCounter, silentPort } from "./scripted-oracle.ts";

const FAST = { baseBackoffMs: 1, maxBackoffMs: 5, maxElectionBackoffMs: 5 };

function clientOf(endpoints: readonly string[], options: Partial<ClientOptions> = {}): Client {
  return createClient({ endpoints, retry: FAST, ...options });
}

function expectIncreasing(timestamps: readonly Timestamp[]): void {
  for (let index = 1; index < timestamps.length; index += 1) {
    expect((timestamps[index] as Timestamp).compare(timestamps[index - 1] as Timestamp)).toBeGreaterThan(0);
  }
}

describe("getTs over the stream", () => {
  it("merges the calls of one turn into one request and hands out in the order of the calls", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(7n)));
    await using client = clientOf([oracle.endpoint]);
    const timestamps = await Promise.all(Array.from({ length: 1_000 }, () => client.getTs()));
    expectIncreasing(timestamps);
    expect(oracle.asked).toEqual([{ count: 1_000, via: "stream" }]);
    expect(timestamps[0]?.epoch).toBe(7n);
    expect(client.cachedLeader).toEqual({ endpoint: oracle.endpoint, epoch: 7n });
  });

  it("merges calls that microtasks of the same turn make", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(0n)));
    await using client = clientOf([oracle.endpoint]);
    const late = async (hops: number): Promise<Timestamp> => {
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      return await client.getTs();
    };
    await Promise.all([late(0), late(1), late(5), late(20)]);
    expect(oracle.asked.map(({ count }) => count)).toEqual([4]);
  });

  it("keeps one request on the way and sends those who came meanwhile together", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(0n)));
    await using client = clientOf([oracle.endpoint]);
    const serve = oracle.getTs;
    let meanwhile: Promise<Timestamp>[] = [];
    oracle.getTs = (count, via) => {
      if (oracle.asked.length === 1) meanwhile = Array.from({ length: 5 }, () => client.getTs());
      return serve(count, via);
    };
    const first = await client.getTs();
    expectIncreasing([first, ...(await Promise.all(meanwhile))]);
    expect(oracle.asked.map(({ count }) => count)).toEqual([1, 5]);
    expect(oracle.streams).toBe(1);
  });

  it("cuts requests at what one may carry, in order", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(0n)));
    await using client = clientOf([oracle.endpoint]);
    const sizes = [MAX_TIMESTAMPS_PER_RPC, 200_000, 100_000, 1];
    const ranges = await Promise.all(sizes.map((size) => client.getTsBatch(size)));
    expect(oracle.asked.map(({ count }) => count)).toEqual([MAX_TIMESTAMPS_PER_RPC, 200_000, 100_001]);
    expect(ranges.map(({ length }) => length)).toEqual(sizes);
    expectIncreasing(ranges.flatMap((range) => [range.first, ...(range.length > 1 ? [range.last] : [])]));
  });

  it.each([0, -1, 1.5, Number.NaN, MAX_TIMESTAMPS_PER_RPC + 1])(
    "refuses a batch of %s without asking",
    async (count) => {
      await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(0n)));
      await using client = clientOf([oracle.endpoint]);
      await expect(client.getTsBatch(count)).rejects.toMatchObject({ code: "invalid_count" });
      expect(oracle.asked).toEqual([]);
    },
  );

  it("never answers a call from a request that was sent before the call", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start(leading(counter, epoch(0n)));
    await using client = clientOf([oracle.endpoint], { pipelining: 4 });
    // What the oracle has issued when a call is made must lie below what the call gets.
    const callers = Array.from({ length: 50 }, async () => {
      for (let round = 0; round < 20; round += 1) {
        const issued = { physicalMs: counter.physicalMs, logical: counter.logical - 1 };
        const { physicalMs, logical } = await client.getTs();
        expect(physicalMs > issued.physicalMs || logical > issued.logical).toBe(true);
      }
    });
    await Promise.all(callers);
  });

  it("pipelines as deep as it is told and no deeper", async () => {
    await using oracle = await ScriptedOracle.start(() => ({ kind: "hang" }));
    await using client = clientOf([oracle.endpoint], { pipelining: 2 });
    const calls: Promise<unknown>[] = [];
    for (let turn = 1; turn <= 4; turn += 1) {
      calls.push(expect(client.getTs()).rejects.toMatchObject({ code: "closed" }));
      await new Promise((resolve) => setImmediate(resolve));
      await oracle.whenAsked(Math.min(turn, 2));
    }
    expect(oracle.asked.map(({ count }) => count)).toEqual([1, 1]);
    await client.close();
    await Promise.all(calls);
  });
});

describe("getTs without the stream service", () => {
  it("falls back to unary calls, and asks for the stream once per channel", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)), { stream: false });
    await using client = clientOf([oracle.endpoint]);
    expectIncreasing([await client.getTs(), await client.getTs(), (await client.getTsBatch(3)).first]);
    expect(oracle.asked).toEqual([
      { count: 1, via: "unary" },
      { count: 1, via: "unary" },
      { count: 3, via: "unary" },
    ]);
  });

  it("follows hints from unary answers too", async () => {
    await using leader = await ScriptedOracle.start(leading(new SharedCounter(), epoch(2n)), { stream: false });
    await using follower = await ScriptedOracle.start(
      () => notLeader({ leaderEndpoint: leader.endpoint, leaderEpoch: epoch(2n) }),
      {
        stream: false,
      },
    );
    await using client = clientOf([follower.endpoint]);
    await client.getTs();
    expect(client.cachedLeader).toEqual({ endpoint: leader.endpoint, epoch: 2n });
  });
});

describe("getTs and leadership", () => {
  it("follows a hint at once and asks the leader first from then on", async () => {
    await using leader = await ScriptedOracle.start(leading(new SharedCounter(), epoch(3n)));
    await using follower = await ScriptedOracle.start(() =>
      notLeader({ leaderEndpoint: leader.endpoint, leaderEpoch: epoch(3n) }),
    );
    await using client = clientOf([follower.endpoint]);
    await client.getTs();
    await client.getTs();
    expect(follower.asked).toHaveLength(1);
    expect(leader.asked).toHaveLength(2);
  });

  it("rides out an election: an empty trailer is an answer to wait on", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start();
    const lead = leading(counter, epoch(1n));
    oracle.getTs = (count, via) => (oracle.asked.length < 12 ? notLeader({}) : lead(count, via));
    await using client = clientOf([oracle.endpoint]);
    await client.getTs();
    expect(oracle.asked).toHaveLength(12);
  });

  it("reports an election that outlasts the call as such, in time", async () => {
    await using oracle = await ScriptedOracle.start(() => notLeader({}));
    await using client = clientOf([oracle.endpoint], { retry: { ...FAST, overallDeadlineMs: 700 } });
    await expect(client.getTs()).rejects.toMatchObject({ code: "no_leader", grpcStatus: 9, endpoint: oracle.endpoint });
  });

  it("leaves its cache alone on a malformed hint and finds the leader by itself", async () => {
    await using leader = await ScriptedOracle.start(leading(new SharedCounter(), epoch(3n)));
    await using odd = await ScriptedOracle.start(() => ({
      kind: "status",
      code: 9,
      details: "not leader",
      hint: Buffer.from("0a0e31", "hex"),
    }));
    await using client = clientOf([odd.endpoint, leader.endpoint]);
    for (let round = 0; round < 5; round += 1) await client.getTs();
    expect(client.cachedLeader?.endpoint).toBe(leader.endpoint);
  });

  it("does not follow a hint that names a scheme", async () => {
    await using other = await ScriptedOracle.start(leading(new SharedCounter(), epoch(3n)));
    await using odd = await ScriptedOracle.start(() => ({
      kind: "status",
      code: 9,
      details: "not leader",
      hint: Buffer.concat([Buffer.from([0x0a, 7 + other.endpoint.length]), Buffer.from(`http://${other.endpoint}`)]),
    }));
    await using client = clientOf([odd.endpoint]);
    await expect(client.getTs()).rejects.toMatchObject({ code: "rpc", grpcStatus: 9 });
    expect(other.asked).toEqual([]);
  });

  it("is not led back by a hint of an older epoch", async () => {
    const counter = new SharedCounter();
    await using deposed = await ScriptedOracle.start(() => ({ kind: "hang" }));
    await using leader = await ScriptedOracle.start(leading(counter, epoch(9n)));
    await using client = clientOf([leader.endpoint]);
    await client.getTs();
    const serve = leader.getTs;
    leader.getTs = (count, via) =>
      leader.asked.length === 2
        ? notLeader({ leaderEndpoint: deposed.endpoint, leaderEpoch: epoch(8n) })
        : serve(count, via);
    await client.getTs();
    expect(deposed.asked).toEqual([]);
    expect(client.cachedLeader).toEqual({ endpoint: leader.endpoint, epoch: 9n });
  });

  it("gives up on servers that send it round and round", async () => {
    await using ring = await ScriptedOracle.start();
    await using other = await ScriptedOracle.start();
    ring.getTs = () => notLeader({ leaderEndpoint: other.endpoint });
    other.getTs = () => notLeader({ leaderEndpoint: ring.endpoint });
    await using client = clientOf([ring.endpoint]);
    await expect(client.getTs()).rejects.toMatchObject({ code: "rpc", grpcStatus: 9 });
    expect(ring.asked.length + other.asked.length).toBeGreaterThanOrEqual(65);
    expect(ring.asked.length + other.asked.length).toBeLessThanOrEqual(140);
  });
});

describe("getTs and broken servers", () => {
  it("asks another server when one is not there", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(0n)));
    const endpoints = [await closedPort(), oracle.endpoint, await closedPort()];
    for (let round = 0; round < 6; round += 1) {
      await using client = clientOf(endpoints);
      await client.getTs();
    }
    expect(oracle.asked).toHaveLength(6);
  });

  it("names the endpoint and the cause when nobody is there", async () => {
    const endpoint = await closedPort();
    await using client = clientOf([endpoint]);
    const error: Error = await client.getTs().then(
      () => expect.unreachable(),
      (caught: Error) => caught,
    );
    expect(error).toMatchObject({ code: "transport", endpoint });
    expect(error.message).toContain("ECONNREFUSED");
    expect(error.message).toContain(endpoint);
  });

  it("moves on from a server that answers nothing, within the deadline of one attempt", async () => {
    await using stalled = await ScriptedOracle.start(() => ({ kind: "hang" }));
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(4n)));
    await using client = clientOf([stalled.endpoint], {
      retry: { ...FAST, perAttemptDeadlineMs: 60, overallDeadlineMs: 400 },
    });
    await expect(client.getTs()).rejects.toMatchObject({ code: "deadline_exceeded", endpoint: stalled.endpoint });
    await using both = clientOf([stalled.endpoint, oracle.endpoint], { retry: { ...FAST, perAttemptDeadlineMs: 700 } });
    for (let round = 0; round < 3; round += 1) await both.getTs();
    expect(oracle.asked.length).toBeGreaterThanOrEqual(3);
  });

  it("does not hang on a port that accepts and stays silent", async () => {
    await using silent = await silentPort();
    await using client = clientOf([silent.endpoint], {
      retry: { ...FAST, perAttemptDeadlineMs: 60, overallDeadlineMs: 200 },
    });
    await expect(client.getTs()).rejects.toMatchObject({ code: "deadline_exceeded", endpoint: silent.endpoint });
  });

  it("asks again when the server ends the stream without an answer", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start();
    const lead = leading(counter, epoch(1n));
    oracle.getTs = (count, via) => (oracle.asked.length === 1 ? { kind: "end" } : lead(count, via));
    await using client = clientOf([oracle.endpoint]);
    await client.getTs();
    expect(oracle.streams).toBe(2);
  });

  it("finds a server that was killed and came back on its port", async () => {
    const counter = new SharedCounter();
    const first = await ScriptedOracle.start(leading(counter, epoch(1n)));
    await using client = clientOf([first.endpoint], { retry: { ...FAST, maxAttempts: 1_000, baseBackoffMs: 5 } });
    const before = await client.getTs();
    first.kill();
    const waiting = client.getTs();
    const port = Number(first.endpoint.split(":")[1]);
    await using second = await ScriptedOracle.start(leading(counter, epoch(2n)), { port });
    const after = await waiting;
    expect(after.compare(before)).toBeGreaterThan(0);
    expect(after.epoch).toBe(2n);
    expect(second.asked).toHaveLength(1);
  });

  it("fails every caller of a request that is answered short, long or unreadably, and gives nobody a part", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint]);
    const lead = leading(counter, epoch(1n));
    const wrong = [
      (count: number) => ({ kind: "answer", fields: counter.next(count - 1, epoch(1n)) }) as const,
      (count: number) => ({ kind: "answer", fields: counter.next(count + 1, epoch(1n)) }) as const,
      () => ({ kind: "bytes", bytes: Buffer.from("08ff", "hex") }) as const,
      () => ({ kind: "bytes", bytes: Buffer.alloc(0) }) as const,
      (count: number) =>
        ({ kind: "answer", fields: { ...counter.next(count, epoch(1n)), logicalStart: 262_143 } }) as const,
    ];
    for (const reply of wrong) {
      oracle.getTs = reply;
      const outcomes = await Promise.allSettled([client.getTs(), client.getTs(), client.getTsBatch(3)]);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({
          status: "rejected",
          reason: { code: "protocol_violation", endpoint: oracle.endpoint },
        });
      }
      oracle.getTs = lead;
      await client.getTs();
    }
  });

  it("withholds a timestamp that is not above those it has handed out", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start(leading(counter, epoch(1n)));
    await using client = clientOf([oracle.endpoint]);
    const seen = await client.getTs();
    oracle.getTs = (count) => ({
      kind: "answer",
      fields: { physicalMs: seen.physicalMs, logicalStart: seen.logical, count, epoch: epoch(2n) },
    });
    await expect(client.getTs()).rejects.toMatchObject({ code: "timestamp_regression", endpoint: oracle.endpoint });
    // Another stream, and another server, are held to the same mark.
    await using restored = await ScriptedOracle.start((count) => ({
      kind: "answer",
      fields: { physicalMs: seen.physicalMs - 1, logicalStart: 5, count, epoch: epoch(3n) },
    }));
    oracle.getTs = () => notLeader({ leaderEndpoint: restored.endpoint, leaderEpoch: epoch(3n) });
    await expect(client.getTs()).rejects.toMatchObject({ code: "timestamp_regression", endpoint: restored.endpoint });
    restored.getTs = leading(counter, epoch(3n));
    expect((await client.getTs()).compare(seen)).toBeGreaterThan(0);
  });

  it("holds the answers on one stream to their order when it pipelines", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start(leading(counter, epoch(1n)));
    await using client = clientOf([oracle.endpoint], { pipelining: 2 });
    const lead = oracle.getTs;
    await client.getTs();
    // Both requests are sent before either is answered, so only the stream's own order can tell.
    const above = counter.next(10, epoch(1n));
    const below = counter.next(10, epoch(1n));
    const calls: Promise<unknown>[] = [];
    oracle.getTs = (count, via) => {
      if (oracle.asked.length > 3) return lead(count, via);
      const fields = oracle.asked.length === 2 ? below : above;
      return { kind: "answer", fields: { ...fields, count } };
    };
    calls.push(client.getTs());
    await new Promise((resolve) => setImmediate(resolve));
    calls.push(client.getTs());
    expect(await Promise.allSettled(calls)).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { code: "timestamp_regression" } },
    ]);
    await client.getTs();
  });

  it("surfaces what a server said rather than what the network did", async () => {
    await using oracle = await ScriptedOracle.start(() => ({
      kind: "status",
      code: 13,
      details: "persist: disk on fire",
    }));
    await using client = clientOf([await closedPort(), oracle.endpoint]);
    await expect(client.getTs()).rejects.toMatchObject({ code: "rpc", grpcStatus: 13, endpoint: oracle.endpoint });
  });
});

describe("metrics", () => {
  it("tell what happened, under the names of the reference", async () => {
    await using leader = await ScriptedOracle.start(leading(new SharedCounter(), epoch(3n)));
    await using follower = await ScriptedOracle.start(() =>
      notLeader({ leaderEndpoint: leader.endpoint, leaderEpoch: epoch(3n) }),
    );
    const counts = new Map<string, number>();
    const gauges = new Map<string, number>();
    const dials: number[] = [];
    const metrics: ClientMetrics = {
      count: (name, labels) => {
        const key = labels === undefined ? name : `${name} ${labels.reason}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      },
      gauge: (name, value) => gauges.set(name, Math.max(gauges.get(name) ?? 0, value)),
      observe: (_name, seconds) => dials.push(seconds),
    };
    await using client = clientOf([follower.endpoint], { metrics, retry: { ...FAST, overallDeadlineMs: 1_500 } });
    await client.getTs();
    leader.kill();
    await expect(client.getTs()).rejects.toMatchObject({ code: "no_leader" });
    expect(dials).toHaveLength(2);
    expect(counts.get("tsoracle.client.leader_pivots.total")).toBeGreaterThanOrEqual(1);
    expect(counts.get("tsoracle.client.not_leader.total")).toBeGreaterThanOrEqual(1);
    expect(counts.get("tsoracle.client.retries.total not_leader")).toBeGreaterThanOrEqual(1);
    expect(counts.get("tsoracle.client.retries.total connect_failure")).toBeGreaterThanOrEqual(1);
    expect(counts.get("tsoracle.client.connect.failures.total")).toBeGreaterThanOrEqual(1);
    expect(gauges.get("tsoracle.client.driver.in_flight")).toBe(1);
    expect(gauges.has("tsoracle.client.driver.queue_depth")).toBe(true);
  });
});

describe("giving up, closing and bounds", () => {
  it("rejects an aborted call at once and serves the others of its request", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)));
    await using client = clientOf([oracle.endpoint]);
    const controller = new AbortController();
    const reason = new Error("no longer needed");
    const given = client.getTs({ signal: controller.signal });
    const kept = client.getTs();
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    await kept;
    // It left before the request was sent, so nothing was asked for it.
    expect(oracle.asked).toEqual([{ count: 1, via: "stream" }]);
  });

  it("gives the slice of a caller that left during the request to nobody", async () => {
    const counter = new SharedCounter();
    await using oracle = await ScriptedOracle.start();
    await using client = clientOf([oracle.endpoint]);
    const controller = new AbortController();
    const lead = leading(counter, epoch(1n));
    oracle.getTs = (count, via) => {
      controller.abort(new Error("left"));
      return lead(count, via);
    };
    const calls = await Promise.allSettled([
      client.getTs(),
      client.getTs({ signal: controller.signal }),
      client.getTs(),
    ]);
    expect(calls.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const logicals = calls.flatMap((call) => (call.status === "fulfilled" ? [call.value.logical] : []));
    expect(logicals).toEqual([0, 2]);
  });

  it("refuses a call whose signal has fired already", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)));
    await using client = clientOf([oracle.endpoint]);
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(client.getTs({ signal })).rejects.toThrow("too late");
    await expect(client.getTsBatch(2, { signal })).rejects.toThrow("too late");
    expect(oracle.asked).toEqual([]);
  });

  it("rejects those who wait, and those who come, when it is closed", async () => {
    await using oracle = await ScriptedOracle.start(() => ({ kind: "hang" }));
    const client = clientOf([oracle.endpoint]);
    const sent = client.getTs();
    const asserted = expect(sent).rejects.toMatchObject({ code: "closed" });
    await oracle.whenAsked(1);
    const queued = expect(client.getTs()).rejects.toMatchObject({ code: "closed" });
    await client.close();
    await client.close();
    await Promise.all([asserted, queued]);
    await expect(client.getTs()).rejects.toMatchObject({ code: "closed" });
    await expect(client.getSeq("a", 1)).rejects.toMatchObject({ code: "closed" });
    await expect(client.getCurrentMaxSafe()).rejects.toMatchObject({ code: "closed" });
  });

  it("holds no more callers than it is told, and takes callers again when some have left", async () => {
    await using oracle = await ScriptedOracle.start(() => ({ kind: "hang" }));
    const client = clientOf([oracle.endpoint], { maxQueuedCalls: 3 });
    const sent = expect(client.getTs()).rejects.toMatchObject({ code: "closed" });
    await oracle.whenAsked(1);
    const controller = new AbortController();
    const { signal } = controller;
    const queued = Array.from({ length: 3 }, () => expect(client.getTs({ signal })).rejects.toThrow("aborted"));
    await expect(client.getTs()).rejects.toMatchObject({ code: "overloaded" });
    controller.abort();
    await Promise.all(queued);
    const taken = expect(client.getTs()).rejects.toMatchObject({ code: "closed" });
    await client.close();
    await Promise.all([sent, taken]);
  });

  it("rides out an election in which the followers still name the dead leader", async () => {
    const counter = new SharedCounter();
    const dead = await ScriptedOracle.start(leading(counter, epoch(1n)));
    await using follower = await ScriptedOracle.start();
    const hint = notLeader({ leaderEndpoint: dead.endpoint, leaderEpoch: epoch(1n) });
    const lead = leading(counter, epoch(2n));
    follower.getTs = (count, via) => (follower.asked.length < 100 ? hint : lead(count, via));
    await using client = clientOf([dead.endpoint, follower.endpoint]);
    await client.getTs();
    dead.kill();
    expect((await client.getTs()).epoch).toBe(2n);
    expect(follower.asked).toHaveLength(100);
  });

  it("gives each caller its own deadline, waiting in the queue and sharing a request included", async () => {
    await using oracle = await ScriptedOracle.start(() => ({ kind: "hang" }));
    const overallDeadlineMs = 1_000;
    const retry = { ...FAST, perAttemptDeadlineMs: 10_000, overallDeadlineMs };
    await using client = clientOf([oracle.endpoint], { retry });
    const waitOf = (): Promise<{ error: unknown; waited: number }> => {
      const startedAt = performance.now();
      return client.getTs().then(
        () => expect.unreachable(),
        (error: unknown) => ({ error, waited: performance.now() - startedAt }),
      );
    };
    const first = waitOf();
    await oracle.whenAsked(1);
    // The second and the third share the request after the first; the third has entered later.
    const second = waitOf();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const third = waitOf();
    for (const { error, waited } of await Promise.all([first, second, third])) {
      expect(error).toMatchObject({ code: "deadline_exceeded" });
      expect(waited).toBeGreaterThanOrEqual(overallDeadlineMs);
    }
  });
});
