// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { type Epoch, physicalMs, type SeqKey } from "@tsoracle/core";
import { type EtcdServer, OwnedDirectory, startEtcd } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdDriver, etcdOracleStatus, fastForwardEtcdOracle } from "../src/index.ts";
import { OracleKeys } from "../src/keys.ts";
import { encodeHighWater } from "../src/records.ts";
import { urlsOf, useEtcd } from "./cluster.ts";
import { callEtcd, type GatewayKey, putKey, rangeOf } from "./gateway.ts";
import { leads, NodeLog, openNode, prefixOf, prepare } from "./node.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 1);
const url = (): string => urlsOf(etcd())[0] ?? "";
const ms = physicalMs;

/** Moves the revision of the store on, as other users of it do. */
async function write(server: EtcdServer, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await putKey(server.url, new TextEncoder().encode("/somebody/else"), String(n));
}

describe("a register whose high-water went back, in a store whose revision went on", () => {
  it("is noticed by the next renewal, and the leader answers nothing any more", async () => {
    await prepare([url()], "lowered");
    const log = new NodeLog();
    await using leader = await openNode([url()], "lowered", { log });
    const { epoch, tenure } = await leads(leader);
    await leader.persistHighWater(ms(9_000), epoch);
    await putKey(url(), new OracleKeys(prefixOf("lowered")).highWater, encodeHighWater(8_999, epoch));
    // Nothing but its own renewal asks etcd here.
    await log.line(/^error .*went back from 9000 to 8999.*runbook/);
    expect(tenure?.valid()).toBe(false);
    await expect(leader.persistHighWater(ms(9_500), epoch)).rejects.toMatchObject({
      code: expect.stringMatching(/^(permanent|not_leader)$/),
    });
    await expect(leader.loadHighWater()).rejects.toMatchObject({ code: "permanent" });
  });

  it("is not confirmed, in confirm mode", async () => {
    await prepare([url()], "unconfirmed", { freshness: "confirm" });
    await using leader = await openNode([url()], "unconfirmed", { freshness: "confirm" });
    const { epoch, tenure } = await leads(leader);
    await leader.persistHighWater(ms(9_000), epoch);
    expect(await tenure?.confirm?.()).toBe(true);
    await putKey(url(), new OracleKeys(prefixOf("unconfirmed")).highWater, encodeHighWater(8_999, epoch));
    await expect(tenure?.confirm?.()).rejects.toMatchObject({ code: "permanent" });
    expect(tenure?.valid()).toBe(false);
  });

  it("is noticed before a sequence is advanced or a lease replaced in it", async () => {
    await prepare([url()], "counted");
    const key = "orders" as SeqKey;
    const lowered = new OracleKeys(prefixOf("counted"));
    const ways = {
      advance: (node: EtcdDriver, epoch: Epoch) => node.sequences.advance([{ key, count: 5 }], epoch),
      replace: (node: EtcdDriver, epoch: Epoch) => node.leases.replace([], epoch),
      load: (node: EtcdDriver) => node.sequences.load(key),
    };
    for (const [index, way] of Object.values(ways).entries()) {
      await using leader = await openNode([url()], "counted");
      const { epoch } = await leads(leader);
      await leader.persistHighWater(ms(9_000 + index), epoch);
      await putKey(url(), lowered.highWater, encodeHighWater(8_000, epoch));
      await expect(way(leader, epoch)).rejects.toMatchObject({
        code: expect.stringMatching(/^(permanent|not_leader)$/),
      });
      expect(await rangeOf(url(), lowered.sequence(key))).toEqual([]);
    }
  });

  it("is noticed by a server that only follows, and by one that writes less than was there", async () => {
    await prepare([url()], "followed");
    await using leader = await openNode([url()], "followed");
    const { epoch } = await leads(leader);
    await using follower = await openNode([url()], "followed");
    await leader.persistHighWater(ms(9_000), epoch);
    expect(await follower.loadHighWater()).toBe(9_000);
    await putKey(url(), new OracleKeys(prefixOf("followed")).highWater, encodeHighWater(5, epoch));
    await expect(leader.persistHighWater(ms(6), epoch)).rejects.toMatchObject({
      code: expect.stringMatching(/^(permanent|not_leader)$/),
    });
    await expect(follower.loadHighWater()).rejects.toThrow(/went back from 9000 to/);
  });
});

describe("a snapshot that was restored", { timeout: 90_000 }, () => {
  interface Scene {
    readonly server: EtcdServer;
    readonly snapshot: string;
  }

  async function scene(body: (scene: Scene) => Promise<void>): Promise<void> {
    await using directory = new OwnedDirectory();
    const [server] = await startEtcd(1);
    if (server === undefined) throw new Error("there is no etcd");
    try {
      await body({ server, snapshot: join(directory.path, "backup.db") });
    } finally {
      await server.stop();
    }
  }

  it("under a server that ran on ends its use of the store, also when the cluster has kept its id", async () => {
    await scene(async ({ server, snapshot }) => {
      await prepare([server.url], "ran-on");
      const log = new NodeLog();
      await using driver = await openNode([server.url], "ran-on", { log });
      const { epoch, tenure } = await leads(driver);
      await driver.persistHighWater(ms(1_000), epoch);
      await server.saveSnapshot(snapshot);
      await write(server, 20);
      await driver.loadHighWater();
      const { clusterId } = await etcdOracleStatus({ endpoints: [server.url], prefix: prefixOf("ran-on") });
      await server.restoreSnapshot(snapshot);
      await server.waitHealthy();
      // The register is the one of before, with the same value: only the revision tells.
      await log.line(/^error .*the revision of etcd went back/);
      expect(tenure?.valid()).toBe(false);
      await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "permanent" });
      const after = await etcdOracleStatus({ endpoints: [server.url], prefix: prefixOf("ran-on") });
      expect(after.clusterId.ofStore).toBe(clusterId.ofStore);
      expect(after.revision).toBeGreaterThan(0n);
    });
  });

  it("is served again by the runbook: a new cluster id, fast-forward, above every timestamp and every epoch", async () => {
    await scene(async ({ server, snapshot }) => {
      const oracle = { endpoints: [server.url], prefix: prefixOf("runbook") };
      await prepare([server.url], "runbook");
      const reign = async (node: EtcdDriver, highWater: number): Promise<bigint> => {
        const { epoch } = await leads(node);
        await node.persistHighWater(ms(highWater), epoch);
        return epoch;
      };
      {
        await using first = await openNode([server.url], "runbook");
        await reign(first, 1_000);
        // A leader stands while the snapshot is taken, so its key comes back with it.
        await server.saveSnapshot(snapshot);
      }
      await write(server, 300);
      const lost = await openNode([server.url], "runbook");
      const lostEpoch = await reign(lost, 90_000);
      await lost[Symbol.asyncDispose]();
      await server.restoreSnapshot(snapshot, "after-restore");
      await server.waitHealthy();
      const back = await etcdOracleStatus(oracle);
      expect(back).toMatchObject({ highWater: 1_000 });
      expect(back.revision).toBeLessThan(lostEpoch);
      expect(back.clusterId.ofStore).not.toBe(back.clusterId.ofOracle);
      // Nobody serves before the operator has acted.
      await expect(openNode([server.url], "runbook")).rejects.toMatchObject({
        code: "permanent",
        message: expect.stringMatching(/After a restore.*fast-forward/),
      });
      const raise = { ...oracle, atLeastMs: 100_000, aboveEpoch: lostEpoch };
      await expect(fastForwardEtcdOracle(raise)).rejects.toThrow(/candidacies have ended/);
      expect(back.candidates).toHaveLength(1);
      const [restored] = await candidates(server);
      // It would run out by itself; what is at stake here is that nothing was changed while it was there.
      expect(await etcdOracleStatus(oracle)).toMatchObject({ highWater: 1_000, clusterId: back.clusterId });
      await callEtcd(server.url, "/v3/lease/revoke", { ID: String(restored?.lease) });
      expect(await fastForwardEtcdOracle(raise)).toMatchObject({ highWater: 100_000 });
      const log = new NodeLog();
      await using next = await openNode([server.url], "runbook", { log });
      await log.line(/elected; waiting/);
      const { epoch } = await leads(next);
      expect(epoch).toBeGreaterThan(lostEpoch);
      expect(await next.loadHighWater()).toBe(100_000);
      expect(await next.persistHighWater(ms(100_001), epoch)).toBe(100_001);
    });
  });

  async function candidates(server: EtcdServer): Promise<readonly GatewayKey[]> {
    const { from, to } = new OracleKeys(prefixOf("runbook")).candidates;
    return await rangeOf(server.url, from, to);
  }
});
