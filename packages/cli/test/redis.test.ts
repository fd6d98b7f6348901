// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { freePorts, type RedisServer, startRedis, startRedisNodes, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lines, runCli, startServer } from "./cli-process.ts";
import {
  Caller,
  clientOf,
  expectOneFailure,
  jsonOf,
  leaderOf,
  PATIENT,
  physicalMsOf,
  startPair,
  TENURE,
} from "./store-servers.ts";

const redis = useRedis({ beforeAll, afterAll }, 3);
const ADDRESS = ["--log", "silent", "--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:50551"];

const HIGH = 40_000_000_000_000;

const nodes = (): string =>
  redis()
    .map(({ url }) => url)
    .join(",");

/** Flags of an oracle that has its own name on the shared nodes. */
function anOracle(list: string = nodes()): string[] {
  return ["--nodes", list, "--oracle", `cli-${randomUUID()}`, ...TENURE];
}

async function initialised(...more: string[]): Promise<string[]> {
  const flags = anOracle();
  const result = await runCli(["redis", "init", ...flags, ...more]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout).toMatch(/^Initialized oracle cli-\S+ on 3 nodes, cluster [0-9a-f]{32}\n$/);
  return flags;
}

/** What `redis status` shows of each node. */
async function nodesShown(flags: readonly string[]): Promise<object[]> {
  const { nodes } = jsonOf(await runCli(["redis", "status", ...flags, "--json"]));
  return nodes as object[];
}

async function succeeds(...args: string[]): Promise<void> {
  const { code, stderr } = await runCli(args);
  expect(code, stderr).toBe(0);
}

describe("serve redis", { timeout: 120_000 }, () => {
  it("hands over on SIGTERM while a client goes on", async () => {
    const flags = await initialised();
    const servers = await startPair(["redis", ...flags]);
    const caller = new Caller(clientOf(servers));
    await caller.more(200);
    const [address, leader] = await leaderOf(servers);
    expect(await leader.kill("SIGTERM")).toMatchObject({ code: 0, stdout: `serving on ${address}\n` });
    await caller.more(200);
    const [other] = [...servers.keys()].filter((each) => each !== address);
    const holders = (await nodesShown(flags)).filter((node) => "holder" in node && node.holder === other);
    expect(holders.length).toBeGreaterThanOrEqual(2);
    await caller.stop();
  });

  it("gives up on nodes that were not initialised, or for other settings, or under another count", async () => {
    // A server that gets no answer at first goes on and asks again; here the first answer is wanted.
    const patient = ["--op-timeout", "900ms", ...ADDRESS];
    expectOneFailure(await runCli(["serve", "redis", ...anOracle(), ...patient]), [/127\.0\.0\.1:\d+/, /init/]);
    const flags = await initialised();
    const longer = flags.with(-1, "5s");
    expectOneFailure(await runCli(["serve", "redis", ...longer, ...patient]), [/tenure/i]);
    await using fourth = await startRedis();
    const five = flags.with(1, `${nodes()},${fourth.url},redis://127.0.0.1:1`);
    expectOneFailure(await runCli(["serve", "redis", ...five, ...patient]), [/number of nodes is 3 there and 5 here/]);
  });

  it("gives up on a node that is the same server under another name", async () => {
    const [first, second] = redis();
    const alias = `redis://localhost:${first?.port}`;
    const flags = anOracle([first?.url, alias, second?.url].join(","));
    expectOneFailure(await runCli(["redis", "init", ...flags]), [/same server/]);
  });

  it("serves from one node that may forget only when it is told to, and says so", async () => {
    await using weak = await startRedis({ args: ["--appendfsync", "everysec"] });
    const flags = anOracle(weak.url);
    await succeeds("redis", "init", ...flags, "--accept-data-loss");
    const args = ["redis", ...flags, "--accept-data-loss", "--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:1"];
    const { address, process } = await startServer(args);
    await succeeds("get", "--endpoints", address, ...PATIENT);
    expect((await process.kill("SIGTERM")).stderr).toContain("issued again");
  });
});

describe("TLS to Redis nodes", { timeout: 120_000 }, () => {
  const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url));
  const KEYS = ["--store-tls-cert", fixture("client.pem"), "--store-tls-key", fixture("client.key")];
  const CA = ["--store-tls-ca", fixture("ca.pem")];
  let nodes: readonly RedisServer[] = [];
  let list = "";

  beforeAll(async () => {
    const ports = await freePorts(3);
    const files = [
      "cert-file",
      fixture("server.pem"),
      "key-file",
      fixture("server.key"),
      "ca-cert-file",
      fixture("ca.pem"),
    ];
    const args = files.map((word, index) => (index % 2 === 0 ? `--tls-${word}` : word));
    nodes = await startRedisNodes(3, (index) => ({ args: [...args, "--tls-port", String(ports[index])] }));
    list = ports.map((port) => `rediss://127.0.0.1:${port}`).join(",");
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });

  it("prepares and serves with the certificates that the flags name", async () => {
    const flags = [...anOracle(list), ...CA, ...KEYS];
    expect(await runCli(["redis", "init", ...flags])).toMatchObject({ code: 0, stderr: "" });
    const { address } = await startServer(["redis", ...flags, ...ADDRESS]);
    await succeeds("get", "--endpoints", address, ...PATIENT);
    const status = await runCli(["redis", "status", ...flags]);
    expect(lines(status.stdout).filter((line) => line.includes(" votes; "))).toHaveLength(3);
  });

  it("refuses nodes that nobody known vouches for, and nodes refuse a server that shows no certificate", async () => {
    const flags = anOracle(list);
    expectOneFailure(await runCli(["redis", "init", ...flags, ...KEYS]), [/certificate/, /correct the TLS options/]);
    expectOneFailure(await runCli(["redis", "init", ...flags, ...CA]), [/127\.0\.0\.1:\d+/, /TLS|reset|closed/]);
    expectOneFailure(await runCli(["serve", "redis", ...flags, ...KEYS, ...ADDRESS]), [/correct the TLS options/]);
  });
});

describe("redis commands", { timeout: 120_000 }, () => {
  it("init refuses nodes that hold the oracle already", async () => {
    const flags = await initialised();
    expectOneFailure(await runCli(["redis", "init", ...flags]), [/nothing was written/, /already/]);
  });

  it("status fails where no majority votes, and names the reason of each node", async () => {
    const flags = await initialised("--seed-physical-ms", "5000");
    const { code, stdout, stderr } = await runCli(["redis", "status", ...flags]);
    expect(code, stderr).toBe(0);
    expect(lines(stdout)).toHaveLength(4);
    expect(lines(stdout).at(-1)).toMatch(/^high_water_ms +5000$/);
    const unknown = await runCli(["redis", "status", ...anOracle()]);
    expect(unknown).toMatchObject({ code: 1, stdout: expect.stringMatching(/no vote.*init/) });
  });

  it("force-reinit makes an oracle anew that has lost its majority, and trust-restart needs an oracle that asks for it", async () => {
    const nodes = await startRedisNodes(3);
    try {
      const flags = anOracle(nodes.map(({ url }) => url).join(","));
      await succeeds("redis", "init", ...flags, "--seed-physical-ms", String(HIGH));
      await Promise.all([nodes[0]?.wipe(), nodes[1]?.wipe()]);
      const lost = await runCli(["redis", "status", ...flags]);
      expect(lost).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/no vote.*holds high-water 40000000000000/),
      });
      const reinit = await runCli(["redis", "force-reinit", ...flags, "--at-least", "5", "--yes", "--json"]);
      expect(jsonOf(reinit)).toMatchObject({ highWater: HIGH });
      const { address } = await startServer(["redis", ...flags, ...ADDRESS]);
      expect(physicalMsOf(await runCli(["get", "--endpoints", address, ...PATIENT]))).toBeGreaterThan(HIGH);
      expectOneFailure(await runCli(["redis", "trust-restart", ...flags, "--yes"]), [/3 of 3 nodes vote/]);
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  });

  it("trust-restart lets a majority vote that restarted together", async () => {
    const nodes = await startRedisNodes(3);
    try {
      const flags = anOracle(nodes.map(({ url }) => url).join(","));
      await succeeds("redis", "init", ...flags);
      await Promise.all(nodes.map((node) => node.restart()));
      expectOneFailure(await runCli(["serve", "redis", ...flags, ...ADDRESS]), [/has restarted/, /trust-restart/]);
      const trusted = await runCli(["redis", "trust-restart", ...flags, "--yes"]);
      expect(trusted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Trusted .*:.*:.*:/) });
      const { address } = await startServer(["redis", ...flags, ...ADDRESS]);
      await succeeds("get", "--endpoints", address, ...PATIENT);
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  });

  it("admit gives an empty node its vote again, and fast-forward raises what all hold", async () => {
    await using spare = await startRedis();
    const flags = anOracle(`${redis()[0]?.url},${redis()[1]?.url},${spare.url}`);
    await succeeds("redis", "init", ...flags);
    await spare.wipe();
    expect(await nodesShown(flags)).toMatchObject([{ votes: true }, { votes: true }, { votes: false }]);
    const admitted = await runCli(["redis", "admit", ...flags, "--yes", "--json"]);
    expect(jsonOf(admitted)).toMatchObject({ admitted: [`127.0.0.1:${spare.port}`] });
    const forward = await runCli(["redis", "fast-forward", ...flags, "--at-least", String(HIGH), "--yes"]);
    expect(forward).toMatchObject({ code: 0, stdout: expect.stringContaining(String(HIGH)), stderr: "" });
    const held = { votes: true, highWater: HIGH };
    expect(await nodesShown(flags)).toMatchObject([held, held, held]);
    const { address } = await startServer(["redis", ...flags, ...ADDRESS]);
    expect(physicalMsOf(await runCli(["get", "--endpoints", address, ...PATIENT]))).toBeGreaterThan(HIGH);
  });
});
