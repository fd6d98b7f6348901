// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { type EtcdServer, startEtcd } from "@tsoracle/test-services";
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

let members: readonly EtcdServer[] = [];
beforeAll(async () => {
  members = await startEtcd(1);
}, 240_000);
afterAll(async () => {
  await Promise.all(members.map((member) => member.stop()));
}, 60_000);

const ADDRESS = ["--log", "silent", "--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:50551"];

/** Where an oracle of its own is. */
const anOracle = (): string[] => ["--endpoints", members[0]?.url ?? "", "--prefix", `/cli/${randomUUID()}/`];

async function initialised(...more: string[]): Promise<string[]> {
  const flags = anOracle();
  const result = await runCli(["etcd", "init", ...flags, ...TENURE, ...more]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout).toMatch(/^Initialized oracle \/cli\/\S+\/ in etcd cluster [0-9a-f]+\n$/);
  return flags;
}

async function statusOf(flags: readonly string[]): Promise<Record<string, unknown>> {
  return jsonOf(await runCli(["etcd", "status", ...flags, "--json"]));
}

describe("serve etcd", { timeout: 120_000 }, () => {
  it("hands over on SIGTERM while a client goes on, and shows it in status", async () => {
    const flags = await initialised();
    const servers = await startPair(["etcd", ...flags, ...TENURE]);
    const caller = new Caller(clientOf(servers));
    await caller.more(200);
    const [address, leader] = await leaderOf(servers);
    expect(await statusOf(flags)).toMatchObject({ clean: false, candidates: [{ advertise: address }, {}] });
    expect(await leader.kill("SIGTERM")).toMatchObject({ code: 0, stdout: `serving on ${address}\n` });
    await caller.more(200);
    const [other] = [...servers.keys()].filter((each) => each !== address);
    expect(await statusOf(flags)).toMatchObject({ candidates: [{ advertise: other }] });
    await caller.stop();
  });

  it("gives up where there is no oracle, another setting, or another cluster", async () => {
    // A server that gets no answer at first goes on and asks again; here the first answer is wanted.
    const patient = ["--op-timeout", "1500ms", ...ADDRESS];
    expectOneFailure(await runCli(["serve", "etcd", ...anOracle(), ...patient]), [/no oracle \/cli\//, /init/]);
    const flags = await initialised();
    expectOneFailure(await runCli(["serve", "etcd", ...flags, ...patient]), [/tenure 4000 ms/, /3000 ms/]);
    const other = ["--cluster-id", "abc"];
    expectOneFailure(await runCli(["serve", "etcd", ...flags, ...TENURE, ...other, ...patient]), [/not abc/]);
  });
});

describe("etcd commands", { timeout: 120_000 }, () => {
  it("init is harmless to repeat, and refuses other settings", async () => {
    const flags = await initialised("--seed-physical-ms", "5000");
    const again = await runCli(["etcd", "init", ...flags, ...TENURE]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/already, with these settings/) });
    expectOneFailure(await runCli(["etcd", "init", ...flags]), [/exists with tenure 4000 ms/, /nothing was changed/]);
    const { stdout } = await runCli(["etcd", "status", ...flags]);
    expect(lines(stdout)).toContainEqual(expect.stringMatching(/^high_water_ms +5000 /));
    expect(lines(stdout)).toContainEqual(expect.stringMatching(/^leader +none$/));
  });

  it("fast-forward raises the oracle and the epochs to come, and a server goes on above both", async () => {
    const flags = await initialised();
    const { revision } = await statusOf(flags);
    const aboveEpoch = String(BigInt(String(revision)) + 300n);
    const wanted = ["--at-least", "40000000000000", "--above-epoch", aboveEpoch, "--yes"];
    const forward = await runCli(["etcd", "fast-forward", ...flags, ...wanted]);
    expect(forward).toMatchObject({ code: 0, stdout: expect.stringContaining("40000000000000") });
    const { address, process } = await startServer(["etcd", ...flags, ...TENURE, ...ADDRESS]);
    const got = await runCli(["get", "--endpoints", address, ...PATIENT]);
    expect(physicalMsOf(got)).toBeGreaterThan(40_000_000_000_000n);
    expect(BigInt(String((await statusOf(flags))["epoch"]))).toBeGreaterThan(BigInt(aboveEpoch));
    expectOneFailure(await runCli(["etcd", "fast-forward", ...flags, "--at-least", "1", "--yes"]), [
      /stop all servers/,
    ]);
    await process.kill("SIGTERM");
  });
});
