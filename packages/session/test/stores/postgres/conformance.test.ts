// SPDX-License-Identifier: Apache-2.0
import { journalConformance, type Runner } from "@tsoracle/conformance";
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it } from "vitest";
import { postgresJournalSubject } from "./postgres-subject.ts";

const server = usePostgres({ beforeAll, afterAll });
/** Each clause has tables of its own, and several spend their time waiting for a call to be given up. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 120_000) };

journalConformance(runner, postgresJournalSubject({ server }), { timeoutMs: 90_000 });
