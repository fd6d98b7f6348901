// SPDX-License-Identifier: Apache-2.0
import { journalConformance, type Runner } from "@tsoracle/conformance";
import { usePostgres, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it } from "vitest";
import { postgresJournalSubject } from "../postgres/postgres-subject.ts";
import { redisJournalSubject } from "../redis/redis-subject.ts";
import { mixedSubject } from "./mixed-subject.ts";

const server = usePostgres({ beforeAll, afterAll });
const redis = useRedis({ beforeAll, afterAll }, 3);
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 180_000) };

const subject = mixedSubject({
  snapshots: postgresJournalSubject({ server }),
  journal: redisJournalSubject({ redis, servers: 3 }),
});
journalConformance(runner, subject, { timeoutMs: 120_000 });
