// SPDX-License-Identifier: Apache-2.0
import { runSql } from "@tsoracle/test-services";
import { initOracle, type OracleSettings } from "../src/index.ts";

/** Short enough that a crash costs a test little, and twice what is allowed: see below. */
export const TENURE_MS = 2_000;
/** As long as the tenure allows: tests share their machine and its disk, and a slow answer is not what they are about. */
export const OP_TIMEOUT_MS = 1_000;
export const SCHEMA = "tso";
/** What servers connect as: it may do what they need and nothing else. */
export const ROLE = "tsoapp";

/** Makes an oracle, and what it needs where that is missing. `database` is the URL of its owner. */
export async function prepareOracle(database: string, oracle: string, settings: OracleSettings = {}): Promise<void> {
  await createRole(database);
  await initOracle({ url: database, oracle, role: ROLE, schema: SCHEMA, tenureMs: TENURE_MS, ...settings });
}

/** Roles belong to the whole server, so the second who asks finds it there. */
export async function createRole(database: string, role: string = ROLE): Promise<void> {
  await runSql(
    database,
    `DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
  );
}
