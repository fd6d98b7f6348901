// SPDX-License-Identifier: Apache-2.0
import { journalConformance, type Runner } from "@tsoracle/conformance";
import { useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it } from "vitest";
import { redisJournalSubject } from "./redis-subject.ts";

const redis = useRedis({ beforeAll, afterAll }, 5);
/** Each clause has journals of its own, and several spend their time waiting for a call to be given up. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 180_000) };

journalConformance(runner, redisJournalSubject({ redis }), { timeoutMs: 120_000 });
journalConformance(runner, redisJournalSubject({ redis, servers: 3 }), { timeoutMs: 120_000 });
