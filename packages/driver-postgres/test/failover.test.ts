// SPDX-License-Identifier: Apache-2.0
import { type PhysicalMs, physicalMs } from "@tsoracle/core";
import {
  type PostgresPair,
  type PostgresServer,
  runSql,
  startPostgres,
  startPostgresPair,
  waitUntil,
} from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fastForwardOracle, forceReinitOracle, oracleStatus } from "../src/index.ts";
import { asRole, leads, leadsNoMore, NodeLog, openNode } from "./node.ts";
import { prepareOracle, ROLE, TENURE_MS } from "./oracle.ts";

async function highWater(server: PostgresServer): Promise<PhysicalMs> {
  const [row] = await runSql(server.url, "SELECT high_water FROM tso.oracle WHERE name = 'main'");
  return physicalMs(Number(row?.["high_water"]));
}

describe("failover of Postgres itself", () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    pair = await startPostgresPair();
    await prepareOracle(pair.primary.url, "main");
    // The tests log in at the standby, with a role that was made a moment ago.
    await pair.caughtUp();
  }, 240_000);
  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
  });

  it("a standby is passed over for the primary, and is an error for people when there is nothing else", async () => {
    const { primary, standby } = pair;
    const log = new NodeLog();
    await using alone = await openNode(standby.url, "main", { log });
    expect(await log.line(/STANDBY/)).toMatch(/give the URL of the primary/);
    await expect(alone.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    const opened = openNode(standby.url, "main", { readOnlyGraceMs: 0 });
    await expect(opened).rejects.toMatchObject({ code: "permanent", message: expect.stringContaining("[STANDBY]") });
    await using both = await openNode(pair.primary.url, "main", { url: [asRole(standby.url), asRole(primary.url)] });
    const { epoch } = await leads(both);
    expect(await both.persistHighWater(physicalMs(1_000), epoch)).toBe(1_000);
  });

  it("an unattended failover that lost writes stops the oracle until an operator has said from where to go on", async () => {
    const { primary, standby } = pair;
    const url = [asRole(primary.url), asRole(standby.url)];
    const log = new NodeLog();
    await using witness = await openNode(pair.primary.url, "main", { url, log, onTimelineChange: "accept" });
    const { epoch } = await leads(witness);
    await witness.persistHighWater(physicalMs(2_000), epoch);
    await waitUntil("the standby to have it", async () => (await highWater(standby)) === 2_000);
    await standby.restart({ settings: {} });
    await witness.persistHighWater(physicalMs(9_000), epoch);
    await primary.kill();
    await leadsNoMore(witness);
    await pair.promote();

    // Who has seen more refuses, even if told to accept; who has not is told by the timeline.
    expect(await log.line(/acknowledged writes are lost/)).toMatch(/high-water 2000, but this process has seen .*9000/);
    const fresh = openNode(standby.url, "main");
    await expect(fresh).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringContaining("[TIMELINE_CHANGED]"),
    });
    const status = await oracleStatus({ url: asRole(standby.url), oracle: "main" });
    expect(status).toMatchObject({
      highWater: 2_000,
      timeline: { ofLastReign: 1, ofServer: 2 },
      identityMatches: true,
    });

    const forwarded = await fastForwardOracle({ url: standby.url, oracle: "main", atLeastMs: 10_000 });
    expect(forwarded.highWater).toBe(10_000);
    const next = await leads(witness, epoch);
    expect(next.epoch > forwarded.epoch).toBe(true);
    expect(await witness.loadHighWater()).toBe(10_000);
  });
});

describe("operators", () => {
  it("let a server that may accept it go on after a failover, in a greater epoch", async () => {
    await using server = await startPostgres();
    await prepareOracle(server.url, "main");
    await runSql(server.url, "UPDATE tso.oracle SET epoch_lo = 5");
    const refused = openNode(server.url, "main");
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining("[TIMELINE_CHANGED]") });
    await using driver = await openNode(server.url, "main", { onTimelineChange: "accept" });
    const { epoch } = await leads(driver);
    expect(epoch >> 64n).toBe(1n);

    // A fast-forward fences whoever leads, adopts a restored row, and never lowers anything.
    const ahead = await fastForwardOracle({ url: server.url, oracle: "main", atLeastMs: 0 });
    const deposed = await driver.persistHighWater(physicalMs(5), epoch).catch((error: Error) => error);
    expect(deposed).toMatchObject({ code: "fenced", currentEpoch: ahead.epoch });
    await runSql(server.url, "UPDATE tso.oracle SET sysid = 42");
    expect(await oracleStatus({ url: server.url, oracle: "main" })).toMatchObject({ identityMatches: false });
    await fastForwardOracle({ url: server.url, oracle: "main", atLeastMs: 3_000 });
    await using restored = await openNode(server.url, "main");
    await Promise.race([leads(restored), leads(driver, ahead.epoch)]);
    expect(await restored.loadHighWater()).toBe(3_000);
  });

  it("change settings only while nobody leads, and make anew what was removed", async () => {
    await using server = await startPostgres();
    await prepareOracle(server.url, "main");
    const reinit = {
      url: server.url,
      oracle: "main",
      atLeastMs: 7_000,
      tenureMs: 2 * TENURE_MS,
      allServersStopped: true,
    } as const;
    const driver = await openNode(server.url, "main");
    const { epoch } = await leads(driver);
    await expect(forceReinitOracle(reinit)).rejects.toThrow(/holds its lock; nothing was changed/);
    await driver[Symbol.asyncDispose]();
    const again = await waitUntil("the lock to be free", () => forceReinitOracle(reinit).catch(() => undefined));
    expect(again.highWater).toBe(7_000);
    expect(again.epoch > epoch).toBe(true);
    await runSql(server.url, "DELETE FROM tso.oracle");
    await forceReinitOracle({ ...reinit, atLeastMs: 8_000, tenureMs: TENURE_MS });
    await using anew = await openNode(server.url, "main");
    expect(await anew.loadHighWater()).toBe(8_000);
    // Nothing in the store remembers the epochs that there were; clients and forgotten servers do.
    expect((await leads(anew)).epoch > again.epoch).toBe(true);
    const status = await oracleStatus({ url: asRole(server.url, ROLE), oracle: "main" });
    expect(status).toMatchObject({ highWater: 8_000, tenureMs: TENURE_MS, drift: 0.1, clean: false, sequenceKeys: 0 });
    expect(status.lockHolder?.applicationName).toBe("tso/main");
  });

  it.each([
    [{ atLeastMs: -1 }, /atLeastMs as whole milliseconds/],
    [{ atLeastMs: 2 ** 46 }, /atLeastMs as whole milliseconds/],
    [{ oracle: "" }, /expected an oracle name/],
    [{ url: "postgres://a@127.0.0.1:1/tso" }, /cannot connect to 127.0.0.1:1.*ECONNREFUSED/],
  ])("are told what is wrong with %j", async (wrong, message) => {
    const options = { url: "postgres://a@127.0.0.1:1/tso", oracle: "main", atLeastMs: 1, ...wrong };
    await expect(fastForwardOracle(options)).rejects.toThrow(message);
  });

  it("must give their word before an oracle is made anew", async () => {
    const options = { url: "postgres://a@127.0.0.1:1/tso", oracle: "main", atLeastMs: 1, allServersStopped: false };
    await expect(forceReinitOracle(options as never)).rejects.toThrow(/allServersStopped: true/);
  });
});
