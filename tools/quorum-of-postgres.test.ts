// SPDX-License-Identifier: Apache-2.0
import { conformance, type Runner } from "@tsoracle/conformance";
import { type PostgresServer, startPostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it } from "vitest";
import { quorumOfPostgresSubject } from "./quorum-of-postgres.ts";

let servers: readonly PostgresServer[] = [];
beforeAll(async () => {
  servers = await Promise.all([startPostgres(), startPostgres(), startPostgres()]);
}, 240_000);
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
}, 60_000);

/** Each clause has an oracle of its own, and most of its time is spent waiting for tenures to run out. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 90_000) };

conformance(
  runner,
  quorumOfPostgresSubject(() => servers),
  { runs: 1, timeoutMs: 60_000 },
);
