// SPDX-License-Identifier: Apache-2.0
import type { JournalSubject, Subject } from "@tsoracle/conformance";
import { startEtcd, startPostgres, startRedisNodes } from "@tsoracle/test-services";
import type { Servers } from "./servers.ts";

/** One of our drivers in one setting. */
export interface SubjectEntry {
  /** Whether it stands on processes beside this one, which take time to start and to lose. */
  readonly isStoreBacked: boolean;
  /** Whether it is a size of a driver that stands in the table already; it runs only when it is named. */
  readonly isVariant: boolean;
  /** Loads it. Starts nothing: its servers are started by the first universe that asks for them. */
  load(servers: Servers): Promise<Subject>;
}

const inProcess = (load: () => Promise<Subject>): SubjectEntry => ({ isStoreBacked: false, isVariant: false, load });
const storeBacked = (load: (servers: Servers) => Promise<Subject>): SubjectEntry => ({
  isStoreBacked: true,
  isVariant: false,
  load,
});

/**
 * Every subject, by the name that `--driver` takes, in the order of the table. One that needs a server asks for it with
 * `servers.lazily(() => start...())`, which also ends it.
 */
export const SUBJECTS: Readonly<Record<string, SubjectEntry>> = {
  memory: inProcess(async () => (await import("../packages/conformance/test/memory-subject.ts")).memorySubject()),
  file: inProcess(async () => (await import("../packages/driver-file/test/subject.ts")).fileSubject()),
  "file-power-cut": inProcess(async () =>
    (await import("../packages/driver-file/test/power-cut-subject.ts")).powerCutSubject(),
  ),
  postgres: storeBacked((servers) => postgres(servers, "lease")),
  "postgres-confirm": storeBacked((servers) => postgres(servers, "confirm")),
  redis: storeBacked((servers) => redis(servers, "lease")),
  "redis-confirm": storeBacked((servers) => redis(servers, "confirm")),
  etcd: storeBacked((servers) => etcd(servers, "lease")),
  "etcd-confirm": storeBacked((servers) => etcd(servers, "confirm")),
  // Each node is a process of its own.
  raft: storeBacked((servers) => raft(servers, {})),
  "raft-lease": storeBacked((servers) => raft(servers, { freshness: "lease" })),
  "raft-5-nodes": { ...storeBacked((servers) => raft(servers, { nodes: 5 })), isVariant: true },
  quorum: inProcess(async () => (await import("../packages/quorum/test/subject.ts")).quorumSubject()),
  "quorum-of-files": inProcess(async () =>
    (await import("../packages/driver-file/test/mirrored-subject.ts")).mirroredFileSubject(),
  ),
  "quorum-of-postgres": storeBacked(async (servers) => {
    const { quorumOfPostgresSubject } = await import("./quorum-of-postgres.ts");
    return quorumOfPostgresSubject(
      servers.lazily(() => Promise.all([startPostgres(), startPostgres(), startPostgres()])),
    );
  }),
};

/** Stores of session journals, by the name that `--journal` takes. */
export const JOURNAL_SUBJECTS: Readonly<Record<string, (servers: Servers) => Promise<JournalSubject>>> = {
  file: async () => (await import("../packages/session/test/stores/file/file-subject.ts")).fileJournalSubject,
  postgres: postgresJournal,
  redis: (servers) => redisJournal(servers, 5),
  "redis-3-nodes": (servers) => redisJournal(servers, 3),
  mixed: async (servers) => {
    const { mixedSubject } = await import("../packages/session/test/stores/mixed/mixed-subject.ts");
    return mixedSubject({ snapshots: await postgresJournal(servers), journal: await redisJournal(servers, 3) });
  },
};

async function postgresJournal(servers: Servers): Promise<JournalSubject> {
  const { postgresJournalSubject } = await import("../packages/session/test/stores/postgres/postgres-subject.ts");
  return postgresJournalSubject({ server: servers.lazily(() => startPostgres()) });
}

async function redisJournal(servers: Servers, count: number): Promise<JournalSubject> {
  const { redisJournalSubject } = await import("../packages/session/test/stores/redis/redis-subject.ts");
  return redisJournalSubject({ redis: servers.lazily(() => startRedisNodes(count)), servers: count });
}

async function postgres(servers: Servers, freshness: "lease" | "confirm"): Promise<Subject> {
  const { postgresSubject } = await import("../packages/driver-postgres/test/subject.ts");
  return postgresSubject(
    servers.lazily(() => startPostgres()),
    freshness,
  );
}

async function redis(servers: Servers, freshness: "lease" | "confirm"): Promise<Subject> {
  const { redisSubject } = await import("../packages/driver-redis/test/subject.ts");
  return redisSubject({ redis: servers.lazily(() => startRedisNodes(5)), freshness });
}

async function etcd(servers: Servers, freshness: "lease" | "confirm"): Promise<Subject> {
  const { etcdSubject } = await import("../packages/driver-etcd/test/subject.ts");
  return etcdSubject({ etcd: servers.lazily(() => startEtcd(3)), freshness, tenureMs: 3_000 });
}

async function raft(
  servers: Servers,
  options: { readonly freshness?: "lease" | "confirm"; readonly nodes?: 3 | 5 },
): Promise<Subject> {
  const { raftSubject } = await import("../packages/driver-raft/test/subject.ts");
  const { NodeHosts } = await import("../packages/driver-raft/test/processes/node-hosts.ts");
  return raftSubject({ ...options, hosts: servers.lazily(async () => new NodeHosts()) });
}
