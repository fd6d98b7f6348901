// SPDX-License-Identifier: Apache-2.0
import { usePostgres, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll } from "vitest";
import { mixedSubject } from "../../stores/mixed/mixed-subject.ts";
import { postgresJournalSubject } from "../../stores/postgres/postgres-subject.ts";
import { redisJournalSubject } from "../../stores/redis/redis-subject.ts";
import { sessionManagerSuite } from "../suite.ts";

const server = usePostgres({ beforeAll, afterAll });
const redis = useRedis({ beforeAll, afterAll }, 3);

sessionManagerSuite(
  mixedSubject({ snapshots: postgresJournalSubject({ server }), journal: redisJournalSubject({ redis, servers: 3 }) }),
);
