// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { FaultProxy, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  admitRedisNodes,
  fastForwardRedis,
  forceReinitRedis,
  initRedisNodes,
  type RedisOracleOptions,
  redisStatus,
} from "../src/index.ts";
import { REINIT } from "../src/lua.ts";
import { OPERATOR_PATIENCE_MS } from "../src/operator-patience.ts";
import { Cluster } from "./cluster.ts";
import { TEST_OP_TIMEOUT_MS } from "./subject.ts";

vi.setConfig({ testTimeout: 60_000 });

const servers = useRedis({ beforeAll, afterAll }, 3);

/** A server's round is over by then, and an operator's command still has most of its time. */
const SLOW_MS = TEST_OP_TIMEOUT_MS + 100;

let cluster: Cluster;
let slow: FaultProxy;
beforeEach(async () => {
  cluster = new Cluster(servers());
  slow = await FaultProxy.open(servers()[2] as { host: string; port: number });
  return () => slow.close();
});

/** The oracle as an operator sees it whose third node takes its time before it does what it is told. */
function seen(): RedisOracleOptions {
  const [first = "", second = "", third = ""] = cluster.urls;
  return { ...cluster.options, nodes: [first, second, slow.url(third)] };
}

async function initialised(): Promise<void> {
  await initRedisNodes({ ...cluster.options, nodes: cluster.urls });
  slow.set({ up: { delayMs: SLOW_MS } });
}

describe("an operator's command with one slow node of three", () => {
  it("has much longer than a server's round", () => {
    expect(OPERATOR_PATIENCE_MS).toBeGreaterThan(8 * SLOW_MS);
  });

  it("init prepares all three", async () => {
    slow.set({ up: { delayMs: SLOW_MS } });
    await initRedisNodes({ ...seen(), highWater: physicalMs(7) });
    expect(await cluster.held()).toEqual([7, 7, 7]);
  });

  it("status shows what all three hold", async () => {
    await initialised();
    const { nodes, highWater } = await redisStatus(seen());
    expect(nodes).toMatchObject([{ votes: true }, { votes: true }, { votes: true, highWater: 0 }]);
    expect(highWater).toBe(0);
  });

  it("fast-forward has brought all three to the value when it returns, and given them back", async () => {
    await initialised();
    expect(await fastForwardRedis({ ...seen(), to: physicalMs(5_000) })).toBe(5_000);
    expect(await cluster.held()).toEqual([5_000, 5_000, 5_000]);
    const { nodes } = await redisStatus({ ...cluster.options, nodes: cluster.urls });
    expect(nodes).toMatchObject([{ isReleased: true }, { isReleased: true }, { isReleased: true }]);
  });

  it("admit gives an empty node its vote, and writes what was acknowledged to the slow one", async () => {
    await initialised();
    await Promise.all([0, 1].map((node) => cluster.command(node, "HSET", cluster.key, "hw", "3000")));
    await cluster.command(0, "DEL", cluster.key);
    expect(await admitRedisNodes({ ...seen(), serversAreStopped: true })).toHaveLength(1);
    expect(await cluster.held()).toEqual([3_000, 3_000, 3_000]);
  });

  it("force-reinit makes it anew on all three", async () => {
    await initialised();
    const { highWater } = await forceReinitRedis({ ...seen(), atLeast: physicalMs(7), serversAreStopped: true });
    expect(await cluster.held()).toEqual([highWater, highWater, highWater]);
  });
});

describe("REINIT", () => {
  /** A register of which somebody else has seen another epoch or beat. */
  async function reinitialised(promised: string, beat: string): Promise<unknown> {
    const seenId = String(await cluster.command(0, "HGET", cluster.key, "cid"));
    const state = [seenId, promised, beat, "c", "n", "r", "f".repeat(32), "9", "2000", "3", "lease", "100000", "never"];
    return await cluster.command(0, "EVAL", REINIT.text, 1, cluster.key, ...state);
  }

  it("replaces the register that was looked at, and none that was written to since", async () => {
    await initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    const [promised, beat] = (await cluster.command(0, "HMGET", cluster.key, "p", "b")) as [string, string];
    expect(await reinitialised("1".repeat(32), beat)).toEqual(["LOST"]);
    expect(await reinitialised(promised, "0")).toEqual(["LOST"]);
    expect(await cluster.command(0, "HGET", cluster.key, "hw")).toBe("0");
    expect(await reinitialised(promised, beat)).toEqual(["OK"]);
    expect(await cluster.command(0, "HGET", cluster.key, "hw")).toBe("9");
  });
});
