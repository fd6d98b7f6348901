// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { ConsensusError } from "@tsoracle/consensus";
import { type Epoch, epochFromHalves, type LeaseRecord, parseSeqKey, physicalMs, type SeqKey } from "@tsoracle/core";
import { FaultProxy, runSql, usePostgres } from "@tsoracle/test-services";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresCapabilitiesOf } from "../src/index.ts";
import { epochParameters } from "../src/rows.ts";
import { statementsFor } from "../src/statements.ts";
import { asRole, itemOf, leads, leadsNoMore, openNode, reignOf } from "./node.ts";
import { prepareOracle, SCHEMA } from "./oracle.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const database = (): string => postgres().url;

async function storedRow(oracle: string): Promise<Record<string, unknown>> {
  const [row] = await runSql(database(), `SELECT * FROM ${SCHEMA}.oracle WHERE name = '${oracle}'`);
  return row ?? {};
}

function lease(leaseId: bigint): LeaseRecord {
  const holder = new TextEncoder().encode("holder");
  return { leaseId, holder, holderEpoch: 1n, ttlMs: 5_000n, tsUpperBound: 1n, expiresAtMs: 1n, superseded: false };
}

function key(text: string): SeqKey {
  const parsed = parseSeqKey(text);
  if (!parsed.ok) throw new Error("a valid key");
  return parsed.key;
}

describe("contract of the Postgres driver", () => {
  it("raises the epoch over a hundred orderly hand-overs", async () => {
    await prepareOracle(database(), "handovers");
    await using a = await openNode(database(), "handovers");
    await using b = await openNode(database(), "handovers");
    let leader = await Promise.race([leads(a).then(() => a), leads(b).then(() => b)]);
    let epoch = (await leads(leader)).epoch;
    for (let round = 0; round < 100; round += 1) {
      const follower = leader === a ? b : a;
      const next = leads(follower, epoch);
      await leader.resign("the test says so");
      const item = await next;
      expect(reignOf(item.epoch)).toBe(reignOf(epoch) + 1n);
      [leader, epoch] = [follower, item.epoch];
    }
    // The last one, like all before it, had nothing to wait out.
    expect(await storedRow("handovers")).toMatchObject({ prev_clean: true, clean: false });
  });

  it("refuses an old, a future and a foreign epoch, and the store stays as it was", async () => {
    await prepareOracle(database(), "epochs");
    await using driver = await openNode(database(), "epochs");
    const first = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), first.epoch);
    await driver.resign("for a second reign");
    const { epoch } = await leads(driver, first.epoch);
    const foreign = epochFromHalves({ hi: 99n, lo: 1n });
    for (const wrong of [first.epoch, (epoch + 1n) as Epoch, foreign]) {
      await expect(driver.persistHighWater(physicalMs(5_000), wrong)).rejects.toMatchObject({ code: "not_leader" });
      const advance = driver.sequences.advance([{ key: key("a"), count: 1 }], wrong);
      await expect(advance).rejects.toMatchObject({ code: "not_leader" });
      await expect(driver.leases.replace([], wrong)).rejects.toMatchObject({ code: "not_leader" });
    }
    expect(await storedRow("epochs")).toMatchObject({ high_water: "1000" });
  });

  it("is told by the store that its epoch is over, and which one reigns", async () => {
    await prepareOracle(database(), "fenced");
    await using driver = await openNode(database(), "fenced");
    const { epoch, tenure } = await leads(driver);
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET epoch_lo = epoch_lo + 5 WHERE name = 'fenced'`);
    const refused = await driver.persistHighWater(physicalMs(5_000), epoch).catch((error: ConsensusError) => error);
    expect(refused).toMatchObject({ code: "fenced", currentEpoch: epoch + 5n });
    expect(tenure?.valid()).toBe(false);
    await leadsNoMore(driver);
    expect(await storedRow("fenced")).toMatchObject({ high_water: "0" });
    // Nobody said that it had stopped, so the next reign waits before it begins.
    expect((await leads(driver, epoch)).epoch).toBe(epoch + 6n);
  });

  it("holds two oracles in one database apart", async () => {
    await prepareOracle(database(), "north");
    await prepareOracle(database(), "south");
    await using north = await openNode(database(), "north");
    await using south = await openNode(database(), "south");
    const [a, b] = [await leads(north), await leads(south)];
    await north.persistHighWater(physicalMs(9_000), a.epoch);
    await north.sequences.advance([{ key: key("orders"), count: 7 }], a.epoch);
    expect(await south.loadHighWater()).toBe(0);
    expect(await south.sequences.load(key("orders"))).toBe(0n);
    await north.resign("south must not notice");
    expect(b.tenure?.valid()).toBe(true);
    expect(await south.persistHighWater(physicalMs(1), b.epoch)).toBe(1);
  });

  it("keeps names with quotes, braces and other scripts as they are in sequence keys", async () => {
    await prepareOracle(database(), "names");
    await using driver = await openNode(database(), "names");
    const { epoch } = await leads(driver);
    const keys = ["'; DROP TABLE tso.oracle; --", '{"a"}', "{a,b}", "ключ", "NULL", "\\", "a b"].map(key);
    const starts = await driver.sequences.advance(
      keys.map((each, index) => ({ key: each, count: index + 1 })),
      epoch,
    );
    expect(starts).toEqual(keys.map(() => 0n));
    for (const [index, each] of keys.entries()) expect(await driver.sequences.load(each)).toBe(BigInt(index + 1));
  });

  it("has no room for a key with a NUL, which a client may send, and bears it", async () => {
    await prepareOracle(database(), "nul");
    await using driver = await openNode(database(), "nul");
    const { epoch, tenure } = await leads(driver);
    const entries = [
      { key: key("a"), count: 1 },
      { key: key("a\0b"), count: 1 },
    ];
    await expect(driver.sequences.advance(entries, epoch)).rejects.toMatchObject({ code: "seq_cardinality_exceeded" });
    expect(await driver.sequences.load(key("a\0b"))).toBe(0n);
    expect(await driver.sequences.load(key("a"))).toBe(0n);
    expect(tenure?.valid()).toBe(true);
    expect(await driver.persistHighWater(physicalMs(1), epoch)).toBe(1);
  });

  it("states what its configuration promises", async () => {
    await prepareOracle(database(), "confirming", { freshness: "confirm" });
    await using driver = await openNode(database(), "confirming", { freshness: "confirm" });
    expect(driver.capabilities).toBe(postgresCapabilitiesOf("fsync", "confirm"));
    expect(driver.capabilities).toMatchObject({ realTimeOrder: "confirm", durability: "fsync" });
  });

  it("closes during each pending call, and each call settles", async () => {
    await prepareOracle(database(), "closing");
    for (const call of [0, 1, 2, 3, 4, 5]) {
      const driver = await openNode(database(), "closing");
      const { epoch } = await leads(driver);
      const pending = [
        () => driver.loadHighWater(),
        () => driver.persistHighWater(physicalMs(1), epoch),
        () => driver.sequences.load(key("a")),
        () => driver.sequences.advance([{ key: key("a"), count: 1 }], epoch),
        () => driver.leases.load(),
        () => driver.resign("while closing"),
      ][call];
      const settled = Promise.allSettled([pending?.()]);
      await driver[Symbol.asyncDispose]();
      await settled;
    }
    expect(await storedRow("closing")).toMatchObject({ clean: true });
  });

  it("hands out a range once however often the statement is retried", async () => {
    await prepareOracle(database(), "idempotent");
    await using driver = await openNode(database(), "idempotent");
    const { epoch } = await leads(driver);
    await driver.sequences.advance([{ key: key("a"), count: 10 }], epoch);
    const client = new pg.Client(asRole(database()));
    await client.connect();
    try {
      const values = ["idempotent", ...epochParameters(epoch), ["a"], ["5"], randomUUID(), "10"];
      const starts = [];
      for (let attempt = 0; attempt < 3; attempt += 1) {
        starts.push((await client.query(statementsFor(SCHEMA).dense, values)).rows[0].start);
      }
      expect(starts).toEqual(["10", "10", "10"]);
    } finally {
      await client.end();
    }
    expect(await driver.sequences.load(key("a"))).toBe(15n);
  });
});

describe("a lease set whose outcome is unknown", () => {
  it("never overtakes a newer one: the reign ends with the doubt, and what was late is fenced", async () => {
    await prepareOracle(database(), "late");
    await using proxy = await FaultProxy.open(postgres());
    await using driver = await openNode(database(), "late", { url: asRole(proxy.url(database())) });
    const { epoch } = await leads(driver);
    await driver.leases.replace([lease(1n)], epoch);
    // Nothing of what is sent arrives, until it is too late.
    proxy.set({ up: "hold" });
    const late = await driver.leases.replace([lease(2n)], epoch).catch((error: ConsensusError) => error);
    expect(late).toMatchObject({ code: "uncertain" });
    const again = await driver.leases.replace([lease(3n)], epoch).catch((error: ConsensusError) => error);
    expect(again).toMatchObject({ code: expect.stringMatching(/^(transient|not_leader)$/) });
    expect(again).toMatchObject({ message: expect.stringContaining("nothing was written") });
    await using direct = await openNode(database(), "late");
    const next = await leads(direct, epoch);
    await direct.leases.replace([lease(4n)], next.epoch);
    proxy.set({ up: "pass" });
    await itemOf(driver, (item) => item.role === "follower" && item.leaderEpoch === next.epoch);
    expect((await direct.leases.load()).map(({ leaseId }) => leaseId)).toEqual([4n]);
    expect((await driver.leases.load()).map(({ leaseId }) => leaseId)).toEqual([4n]);
  });
});

describe("statements racing an election", () => {
  it.each(["dense", "leases", "persist"] as const)(
    "%s of a stale epoch writes nothing once the election commits",
    async (name) => {
      const oracle = `race-${name}`;
      await prepareOracle(database(), oracle);
      await using driver = await openNode(database(), oracle);
      const { epoch } = await leads(driver);
      const [election, stale] = [new pg.Client(database()), new pg.Client(asRole(database()))];
      await Promise.all([election.connect(), stale.connect()]);
      try {
        await election.query("BEGIN");
        await election.query(`UPDATE ${SCHEMA}.oracle SET epoch_lo = epoch_lo + 1 WHERE name = $1`, [oracle]);
        const rest = { dense: [["k"], ["5"], randomUUID(), "10"], leases: ["[1]"], persist: ["777"] }[name];
        const waiting = stale.query(statementsFor(SCHEMA)[name], [oracle, ...epochParameters(epoch), ...rest]);
        await election.query("SELECT pg_sleep(0.05)");
        await election.query("COMMIT");
        const { rows } = await waiting;
        if (name === "dense") expect(rows).toEqual([{ fenced_in: false, admitted: false, key: null, start: null }]);
        else expect(rows).toEqual([]);
      } finally {
        await Promise.all([election.end(), stale.end()]);
      }
      expect(await storedRow(oracle)).toMatchObject({ high_water: "0" });
      expect(await runSql(database(), `SELECT FROM ${SCHEMA}.dense WHERE oracle = '${oracle}'`)).toEqual([]);
      expect(await runSql(database(), `SELECT FROM ${SCHEMA}.lease_set WHERE oracle = '${oracle}'`)).toEqual([]);
    },
  );
});
