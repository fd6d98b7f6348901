// SPDX-License-Identifier: Apache-2.0
import { mixedJournal } from "@tsoracle/session/mixed";
import { postgresSessions } from "./postgres.ts";
import { redisSessions } from "./redis.ts";
import type { SessionStressStore } from "./session-store.ts";

interface MixedConfig {
  readonly snapshots: unknown;
  readonly journal: unknown;
}

/** Of six processes; more Redis nodes than two are never hit together. */
const NODES_PER_FAULT = 2;

/** Three workers with their entries on five Redis nodes, and their snapshots in one Postgres. */
export const mixedSessions: SessionStressStore = {
  name: "mixed",
  workers: redisSessions.workers,
  refuses: {},
  prepare: async () => {
    const postgres = await postgresSessions.prepare();
    const redis = await redisSessions.prepare();
    return {
      about: `entries on ${redis.about}; snapshots in ${postgres.about}`,
      configOf: (worker): MixedConfig => ({ snapshots: postgres.configOf(worker), journal: redis.configOf(worker) }),
      directConfig: { snapshots: postgres.directConfig, journal: redis.directConfig } satisfies MixedConfig,
      linksOf: (worker) => [...redis.linksOf(worker), ...postgres.linksOf(worker)],
      nodes: [...redis.nodes, ...postgres.nodes],
      nodesPerFault: NODES_PER_FAULT,
      isWhole: async () => (await redis.isWhole?.()) ?? true,
      [Symbol.asyncDispose]: async () => {
        await redis[Symbol.asyncDispose]();
        await postgres[Symbol.asyncDispose]();
      },
    };
  },
  open: async (config) => {
    const { snapshots, journal } = config as MixedConfig;
    return mixedJournal({
      snapshots: await postgresSessions.open(snapshots),
      journal: await redisSessions.open(journal),
    });
  },
};
