// SPDX-License-Identifier: Apache-2.0
// `corepack pnpm certify [--store NAME] [--jsonl FILE] [--report FILE]`: the certification runs of sessions
// (`fencing-quorum-sessions.md` 4.8) on our stores, real servers behind a network that is made slow and cut. Exits 1
// unless every store passes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MemoryJournalStore } from "@tsoracle/consensus/memory";
import { certifyStore, type DurableBackendClass } from "@tsoracle/session/certification";
import { openFileJournal } from "@tsoracle/session/file";
import { startPostgres, startRedisNodes } from "@tsoracle/test-services";
import { contractOf, storeInProcess } from "../packages/session/test/manager/certified.ts";
import { certifiedMixed } from "../packages/session/test/manager/mixed/certified-mixed.ts";
import { certifiedPostgres } from "../packages/session/test/manager/postgres/certified-postgres.ts";
import { certifiedRedis } from "../packages/session/test/manager/redis/certified-redis.ts";
import { Servers } from "./servers.ts";

type Certified = ReturnType<typeof storeInProcess>;

interface StoreEntry {
  readonly kind: DurableBackendClass;
  open(servers: Servers): Promise<Certified>;
}

const postgres = async (servers: Servers): Promise<Certified> =>
  await certifiedPostgres(await servers.lazily(() => startPostgres())());
const redis = async (servers: Servers, count: number): Promise<Certified> =>
  await certifiedRedis(await servers.lazily(() => startRedisNodes(count))());

const STORES: Readonly<Record<string, StoreEntry>> = {
  memory: {
    kind: "log_replicated",
    open: async () => {
      const store = new MemoryJournalStore();
      return storeInProcess("memory", () => store.open());
    },
  },
  file: { kind: "log_replicated", open: file },
  postgres: { kind: "sql_quorum", open: postgres },
  redis: { kind: "kv_consensus", open: (servers) => redis(servers, 5) },
  mixed: {
    kind: "kv_consensus",
    open: async (servers) => certifiedMixed(await postgres(servers), await redis(servers, 3)),
  },
};

async function file(): Promise<Certified> {
  const directory = await mkdtemp(join(tmpdir(), "tsoracle-certify-"));
  const journal = await openFileJournal({ directory });
  const store = storeInProcess("file", () => journal);
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await journal[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function main(servers: Servers): Promise<number> {
  const { values } = parseArgs({
    options: { store: { type: "string" }, jsonl: { type: "string" }, report: { type: "string" } },
  });
  if (values.store !== undefined && !Object.hasOwn(STORES, values.store)) {
    throw new TypeError(`--store: expected one of ${Object.keys(STORES).join(", ")}, got '${values.store}'`);
  }
  const chosen = Object.entries(STORES).filter(([name]) => values.store === undefined || name === values.store);
  const certificates = [];
  for (const [name, { kind, open }] of chosen) {
    await using store = await open(servers);
    const certificate = await certifyStore(store, { runId: "certify", contract: contractOf(store.name, kind) });
    certificates.push(certificate);
    console.log(`${name}: ${certificate.passed ? "passes" : "does NOT pass"}`);
    console.log(certificate.markdown);
  }
  if (values.jsonl !== undefined) await writeFile(values.jsonl, certificates.map(({ jsonl }) => jsonl).join(""));
  if (values.report !== undefined) await writeFile(values.report, certificates.map((each) => each.markdown).join("\n"));
  return certificates.every(({ passed }) => passed) ? 0 : 1;
}

const servers = new Servers();
const interrupted = (): void => void servers[Symbol.asyncDispose]().finally(() => process.exit(130));
process.once("SIGINT", interrupted);
process.once("SIGTERM", interrupted);
try {
  process.exitCode = await main(servers);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
} finally {
  await servers[Symbol.asyncDispose]();
}
