// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type IsolatedDatabase, runSql, usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { lines, runCli, startServer, temporaryDirectory } from "./cli-process.ts";
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

const PASSWORD = "hush-hush";
/** The owner is trusted, and everybody else needs a password. */
const HBA = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
const postgres = usePostgres({ beforeAll, afterAll }, { files: { "pg_hba.conf": HBA } });
const QUIET = ["--log", "silent", "--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:50551"];

beforeAll(async () => {
  await runSql(postgres().url, `CREATE ROLE tsoapp LOGIN PASSWORD '${PASSWORD}'`);
});

async function emptyDatabase(): Promise<IsolatedDatabase> {
  const database = await postgres().createDatabase();
  onTestFinished(() => database.drop());
  return database;
}

/** The URL of a database as another role. */
function as(user: string, { url }: IsolatedDatabase): string {
  const own = new URL(url);
  own.username = user;
  own.password = user === "postgres" ? "" : PASSWORD;
  return own.href;
}

async function initialised(...flags: string[]): Promise<IsolatedDatabase> {
  const database = await emptyDatabase();
  const args = ["postgres", "init", "--oracle", "main", "--role", "tsoapp", ...TENURE, ...flags];
  const result = await runCli(args, { env: { TSORACLE_URL: database.url } });
  expect(result).toMatchObject({
    code: 0,
    stdout: "Initialized oracle main in schema tso for role tsoapp\n",
    stderr: "",
  });
  return database;
}

async function statusOf(database: IsolatedDatabase): Promise<Record<string, unknown>> {
  const env = { TSORACLE_URL: as("tsoapp", database) };
  return jsonOf(await runCli(["postgres", "status", "--oracle", "main", "--json"], { env }));
}

describe("serve postgres", { timeout: 120_000 }, () => {
  it("hands over on SIGTERM while a client goes on, and takes its turn again", async () => {
    const database = await initialised();
    const env = { TSORACLE_URL: as("tsoapp", database) };
    const servers = await startPair(["postgres", "--oracle", "main", ...TENURE], env);
    const caller = new Caller(clientOf(servers));
    await caller.more(200);
    const [address, leader] = await leaderOf(servers);
    expect(await statusOf(database)).toMatchObject({ holderEndpoint: address, clean: false });
    const end = await leader.kill("SIGTERM");
    expect(end).toMatchObject({ code: 0, stdout: `serving on ${address}\n` });
    await caller.more(200);
    const [other] = [...servers.keys()].filter((each) => each !== address);
    expect(await statusOf(database)).toMatchObject({ holderEndpoint: other });
    await caller.stop();
    for (const { stderr } of servers.values()) expect(stderr).not.toContain(PASSWORD);
  });

  it("takes the password from a file", async () => {
    const database = await initialised();
    const file = join(temporaryDirectory(), "password");
    writeFileSync(file, `${PASSWORD}\n`);
    const url = new URL(as("tsoapp", database));
    url.password = "";
    const flags = ["--url", url.href, "--password-file", file, "--oracle", "main", ...TENURE];
    const { address, process } = await startServer(["postgres", ...flags, ...QUIET]);
    expect(await runCli(["get", "--endpoints", address])).toMatchObject({ code: 0, stderr: "" });
    expect(await process.kill("SIGTERM")).toMatchObject({ code: 0 });
  });

  it("gives up on a wrong password, without repeating it", async () => {
    const database = await initialised();
    const url = new URL(as("tsoapp", database));
    url.password = "not-it";
    const args = ["serve", "postgres", "--oracle", "main", ...TENURE, ...QUIET];
    const result = await runCli(args, { env: { TSORACLE_URL: url.href } });
    expectOneFailure(result, [/password/]);
    expect(result.stderr).not.toContain("not-it");
  });

  it("gives up where there are no tables, where they lack the oracle, and where it has other settings", async () => {
    const args = (oracle: string): string[] => ["serve", "postgres", "--oracle", oracle, ...QUIET];
    const empty = await emptyDatabase();
    expectOneFailure(await runCli(args("main"), { env: { TSORACLE_URL: as("tsoapp", empty) } }), [/init/]);
    const made = await initialised();
    const env = { TSORACLE_URL: as("tsoapp", made) };
    expectOneFailure(await runCli(args("other"), { env }), [/"other"/, /init/]);
    expectOneFailure(await runCli(args("main"), { env }), [/lease_ms|tenure/]);
  });
});

describe("postgres commands", { timeout: 120_000 }, () => {
  it("init can be repeated, and refuses other settings without changing anything", async () => {
    const { url } = await initialised();
    const args = ["postgres", "init", "--url", url, "--oracle", "main", "--role", "tsoapp"];
    const again = await runCli([...args, ...TENURE, "--json"]);
    expect(jsonOf(again)).toEqual({ oracle: "main", schema: "tso", role: "tsoapp", created: false });
    expectOneFailure(await runCli([...args, "--tenure", "2s"]), [/lease_ms/, /nothing was changed/]);
    expectOneFailure(await runCli([...args.slice(0, -1), "nobody", ...TENURE]), [/role "nobody"/]);
  });

  it("status shows an oracle that nobody has served yet, and fails for one that is not there", async () => {
    const database = await initialised("--seed-physical-ms", "5000");
    const flags = ["--url", database.url, "--oracle"];
    const { code, stdout, stderr } = await runCli(["postgres", "status", ...flags, "main"]);
    expect(code, stderr).toBe(0);
    const fields = new Map(lines(stdout).map((line) => line.split(/ {2,}/) as [string, string]));
    expect(fields.get("leader")).toBe("none yet");
    expect(fields.get("high_water_ms")).toMatch(/^5000 /);
    expect(fields.get("tenure_ms")).toBe("4000");
    expectOneFailure(await runCli(["postgres", "status", ...flags, "other"]), [/"other"/]);
  });

  it("fast-forward and force-reinit move an oracle beyond what is given", async () => {
    const database = await initialised();
    const flags = ["--url", database.url, "--oracle", "main", "--yes", "--json", "--at-least"];
    const forward = await runCli(["postgres", "fast-forward", ...flags, "40000000000000"]);
    expect(jsonOf(forward)).toMatchObject({ oracle: "main", highWater: 40_000_000_000_000 });
    const reinit = await runCli(["postgres", "force-reinit", ...flags, "41000000000000", "--tenure", "5s"]);
    expect(jsonOf(reinit)).toMatchObject({ highWater: 41_000_000_000_000 });
    const env = { TSORACLE_URL: as("tsoapp", database) };
    const { address } = await startServer(["postgres", "--oracle", "main", "--tenure", "5s", ...QUIET], { env });
    const got = await runCli(["get", "--endpoints", address, ...PATIENT]);
    expect(physicalMsOf(got)).toBeGreaterThan(41_000_000_000_000n);
    const served = await runCli(["postgres", "force-reinit", ...flags, "1", "--tenure", "1s"]);
    expectOneFailure(served, [/holds its lock/, /nothing was changed/]);
  });
});
