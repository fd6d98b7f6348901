// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { type EtcdServer, FaultProxy, startEtcd } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { etcdOracleStatus, fastForwardEtcdOracle, initEtcdOracle } from "../src/index.ts";
import { OracleKeys } from "../src/keys.ts";
import { decodeReign } from "../src/records.ts";
import { urlsOf, useEtcd } from "./cluster.ts";
import { callEtcd, deleteKey, putKey, rangeOf } from "./gateway.ts";
import { itemOf, leads, NodeLog, openNode, prefixOf, prepare, stateOf, TERMS } from "./node.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 1);
const endpoints = (): readonly string[] => urlsOf(etcd());
const url = (): string => endpoints()[0] ?? "";
const at = (oracle: string) => ({ endpoints: endpoints(), prefix: prefixOf(oracle) });
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("opening an oracle that is not what the server expects", () => {
  it("is refused where there is none, with what to do", async () => {
    await expect(openNode(endpoints(), "none")).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/no oracle \/test\/none\/.*init/),
    });
  });

  it("is refused with other settings than it was made with", async () => {
    await prepare(endpoints(), "settings");
    const tenure = { tenureMs: 2_000, drift: 0.1 };
    await expect(openNode(endpoints(), "settings", { tenure })).rejects.toThrow(/tenure 1000 ms.*2000 ms/);
    await expect(openNode(endpoints(), "settings", { freshness: "confirm" })).rejects.toThrow(/freshness lease/);
    const drift = { ...TERMS, drift: 0.2 };
    await expect(openNode(endpoints(), "settings", { tenure: drift })).rejects.toThrow(/drift 0.1.*0.2/);
  });

  it("is refused in another cluster than the pinned one (G2)", async () => {
    await prepare(endpoints(), "pinned");
    await expect(openNode(endpoints(), "pinned", { clusterId: "abc" })).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/cluster [0-9a-f]+ and not abc/),
    });
    const { clusterId } = await etcdOracleStatus(at("pinned"));
    await using driver = await openNode(endpoints(), "pinned", { clusterId: clusterId.ofStore });
    await leads(driver);
  });

  it("is refused where a value is not what the driver writes", async () => {
    await prepare(endpoints(), "strange");
    const key = new OracleKeys(prefixOf("strange")).highWater;
    await callEtcd(url(), "/v3/kv/put", { key: Buffer.from(key).toString("base64"), value: base64("7") });
    await expect(openNode(endpoints(), "strange")).rejects.toThrow(/not what this driver writes.*1 bytes/);
  });

  it("does not lead after a record that the driver did not write, and tells a person", async () => {
    await prepare(endpoints(), "scribbled");
    await putKey(url(), new OracleKeys(prefixOf("scribbled")).reign, "7");
    const log = new NodeLog();
    await using driver = await openNode(endpoints(), "scribbled", { log });
    await log.line(/^error .*the last reign is not what this driver writes/);
    expect(await stateOf(driver)).toEqual({ role: "unknown" });
  });

  it("waits for a cluster that is not there, and says so", async () => {
    const log = new NodeLog();
    await using driver = await openNode(["127.0.0.1:1"], "absent", { log });
    await log.line(/etcd at 127\.0\.0\.1:1: .*ECONNREFUSED/);
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
  });
});

describe("a register that is gone while it is served", () => {
  it("ends the use of the store for good: nothing is answered, and a new register is not taken for the old", async () => {
    await prepare(endpoints(), "replaced");
    const log = new NodeLog();
    await using driver = await openNode(endpoints(), "replaced", { log });
    const { epoch, tenure } = await leads(driver);
    await driver.persistHighWater(physicalMs(500), epoch);
    const keys = new OracleKeys(prefixOf("replaced"));
    await deleteKey(url(), keys.highWater);
    await expect(driver.persistHighWater(physicalMs(600), epoch)).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/was replaced: it is gone.*fast-forward/),
    });
    expect(tenure?.valid()).toBe(false);
    await itemOf(driver, (item) => item.role === "unknown");
    expect(await rangeOf(url(), keys.highWater)).toEqual([]);
    await prepare(endpoints(), "replaced");
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "permanent" });
    await expect(driver.sequences.load("a" as never)).rejects.toMatchObject({ code: "permanent" });
  });
});

describe("operators", () => {
  it("make an oracle once, and are told when it differs", async () => {
    expect(await initEtcdOracle({ ...at("twice"), tenure: TERMS, seedPhysicalMs: 40 })).toMatchObject({
      created: true,
    });
    expect(await initEtcdOracle({ ...at("twice"), tenure: TERMS, seedPhysicalMs: 40 })).toMatchObject({
      created: false,
    });
    await expect(initEtcdOracle({ ...at("twice"), freshness: "confirm", tenure: TERMS })).rejects.toThrow(/freshness/);
    await expect(initEtcdOracle({ ...at("twice"), tenure: TERMS, seedPhysicalMs: 41 })).rejects.toThrow(
      /below the seed/,
    );
    expect((await etcdOracleStatus(at("twice"))).highWater).toBe(40);
  });

  it("wait longer for a slow store than servers do, whatever timeout those are given", async () => {
    await using slow = await FaultProxy.open(etcd()[0] ?? { host: "", port: 0 });
    slow.set({ up: { delayMs: 300 } });
    const slowly = { endpoints: [slow.url(url())], prefix: prefixOf("slow"), opTimeoutMs: 200 };
    expect(await initEtcdOracle({ ...slowly, tenure: TERMS })).toMatchObject({ created: true });
    expect(await fastForwardEtcdOracle({ ...slowly, atLeastMs: 5_000 })).toMatchObject({ highWater: 5_000 });
    expect(await etcdOracleStatus(slowly)).toMatchObject({ highWater: 5_000 });
  });

  it("who make an oracle anew after its register was deleted let the next leader wait for whoever reigned", async () => {
    await prepare(endpoints(), "anew");
    const old = await openNode(endpoints(), "anew");
    const { epoch } = await leads(old);
    const keys = new OracleKeys(prefixOf("anew"));
    await deleteKey(url(), keys.highWater);
    await prepare(endpoints(), "anew", { seedPhysicalMs: 70 });
    const [record] = await rangeOf(url(), keys.reign);
    expect(decodeReign(record?.value ?? new Uint8Array())).toMatchObject({ epoch, clean: false });
    await old[Symbol.asyncDispose]();
    expect((await etcdOracleStatus(at("anew"))).highWater).toBe(70);
  });

  it("see who stands and who leads", async () => {
    await prepare(endpoints(), "seen");
    await using first = await openNode(endpoints(), "seen");
    const { epoch } = await leads(first);
    await using second = await openNode(endpoints(), "seen");
    await itemOf(second, (item) => item.role === "follower" && item.leaderEpoch === epoch);
    await first.persistHighWater(physicalMs(77), epoch);
    const status = await etcdOracleStatus(at("seen"));
    expect(status).toMatchObject({ highWater: 77, epoch, clean: false, freshness: "lease", tenureMs: 1_000 });
    expect(status.candidates.map((candidate) => candidate.epoch)[0]).toBe(epoch);
    expect(status.candidates).toHaveLength(2);
    expect(status.clusterId.ofOracle).toBe(status.clusterId.ofStore);
  });

  it("fast-forward only when nobody stands, never backwards, and make the next leader wait", async () => {
    await prepare(endpoints(), "forward");
    const driver = await openNode(endpoints(), "forward");
    const { epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(100), epoch);
    await expect(fastForwardEtcdOracle({ ...at("forward"), atLeastMs: 5_000 })).rejects.toThrow(/stop all servers/);
    expect(await driver.loadHighWater()).toBe(100);
    await driver[Symbol.asyncDispose]();
    const { revision } = await etcdOracleStatus(at("forward"));
    const aboveEpoch = revision + 250n;
    const forward = await fastForwardEtcdOracle({ ...at("forward"), atLeastMs: 5_000, aboveEpoch });
    expect(forward.highWater).toBe(5_000);
    expect(await fastForwardEtcdOracle({ ...at("forward"), atLeastMs: 4_000 })).toMatchObject({ highWater: 5_000 });
    const log = new NodeLog();
    await using next = await openNode(endpoints(), "forward", { log });
    await log.line(/elected; waiting/);
    const reign = await leads(next);
    expect(reign.epoch).toBeGreaterThan(aboveEpoch);
    expect(await next.loadHighWater()).toBe(5_000);
  });
});

describe("an etcd of its own", { timeout: 60_000 }, () => {
  async function own(body: (server: EtcdServer) => Promise<void>): Promise<void> {
    const [server] = await startEtcd(1);
    if (server === undefined) throw new Error("there is no etcd");
    try {
      await body(server);
    } finally {
      await server.stop();
    }
  }

  it("that is wiped while it is served is noticed by its revision, and not used again (L2)", async () => {
    await own(async (server) => {
      await prepare([server.url], "wiped");
      const log = new NodeLog();
      await using driver = await openNode([server.url], "wiped", { log });
      const { epoch, tenure } = await leads(driver);
      await driver.persistHighWater(physicalMs(9_000), epoch);
      await server.wipe();
      await server.waitHealthy();
      await log.line(/the revision of etcd went back|was replaced|this is etcd cluster/);
      expect(tenure?.valid()).toBe(false);
      await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "permanent" });
      await initEtcdOracle({ endpoints: [server.url], prefix: prefixOf("wiped"), tenure: TERMS });
      await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "permanent" });
    });
  });

  it("that is full refuses writes in words, the leader answers nothing, and goes on once there is room", async () => {
    await own(async (server) => {
      await prepare([server.url], "full");
      const log = new NodeLog();
      await using driver = await openNode([server.url], "full", { log });
      const { epoch, tenure } = await leads(driver);
      await driver.persistHighWater(physicalMs(1_000), epoch);
      const { header } = await callEtcd(server.url, "/v3/maintenance/status", {});
      const memberID = (header as Record<string, string>)["member_id"];
      await callEtcd(server.url, "/v3/maintenance/alarm", { action: "ACTIVATE", memberID, alarm: "NOSPACE" });
      // Not "transient": a write that made etcd pass its quota is answered so after it was carried out.
      await expect(driver.persistHighWater(physicalMs(2_000), epoch)).rejects.toMatchObject({
        code: "uncertain",
        message: expect.stringMatching(/database space exceeded.*disarm/),
      });
      expect(await driver.loadHighWater()).toBe(1_000);
      await log.line(/error .*database space exceeded/);
      await itemOf(driver, (item) => item.role === "unknown");
      expect(tenure?.valid()).toBe(false);
      await callEtcd(server.url, "/v3/maintenance/alarm", { action: "DEACTIVATE", memberID, alarm: "NOSPACE" });
      const next = await leads(driver, epoch);
      expect(await driver.persistHighWater(physicalMs(2_000), next.epoch)).toBe(2_000);
    });
  });

  it("with authentication takes a user whose role is limited to the prefix, and no other (G5)", async () => {
    await own(async (server) => {
      const call = (path: string, body: object): Promise<unknown> => callEtcd(server.url, path, body);
      await prepare([server.url], "auth");
      await call("/v3/auth/user/add", { name: "root", password: "rootpw" });
      await call("/v3/auth/role/add", { name: "root" });
      await call("/v3/auth/user/grant", { user: "root", role: "root" });
      await call("/v3/auth/role/add", { name: "tso" });
      const prefix = prefixOf("auth");
      await call("/v3/auth/role/grant", {
        name: "tso",
        perm: { permType: "READWRITE", key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) },
      });
      await call("/v3/auth/user/add", { name: "tso", password: "tsopw" });
      await call("/v3/auth/user/grant", { user: "tso", role: "tso" });
      await call("/v3/auth/user/add", { name: "nobody", password: "pw" });
      await call("/v3/auth/enable", {});
      const as = (username: string, password: string) => ({ username, password });
      await using driver = await openNode([server.url], "auth", as("tso", "tsopw"));
      const { epoch } = await leads(driver);
      expect(await driver.persistHighWater(physicalMs(10), epoch)).toBe(10);
      const refusals = [
        [as("tso", "wrong"), /authentication failed/],
        [as("nobody", "pw"), /permission denied/],
        [{}, /user name is empty/],
      ] as const;
      for (const [access, message] of refusals) {
        await expect(openNode([server.url], "auth", access)).rejects.toMatchObject({
          code: "permanent",
          message: expect.stringMatching(message),
        });
      }
      await expect(openNode([server.url], "other", as("tso", "tsopw"))).rejects.toThrow(/permission denied/);
      // Tokens live in the member's memory: after its restart the driver gets another by itself.
      await server.restart();
      await server.waitHealthy();
      const reign = await leads(driver);
      await expect
        .poll(() =>
          leads(driver)
            .then((now) => driver.persistHighWater(physicalMs(20), now.epoch))
            .catch(() => 0),
        )
        .toBe(20);
      expect(reign.epoch).toBeGreaterThanOrEqual(epoch);
    });
  });
});
