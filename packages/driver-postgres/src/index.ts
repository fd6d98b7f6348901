// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on Postgres.

export {
  type Freshness,
  type PostgresDurability,
  postgresCapabilities,
  postgresCapabilitiesOf,
} from "./capabilities.ts";
export type { PostgresDriver } from "./driver.ts";
export type { DriverLog } from "./log.ts";
export { openPostgresDriver } from "./open.ts";
export type { PostgresDriverOptions } from "./options.ts";
export type { PasswordSource, PostgresTls, TargetOptions } from "./target.ts";

// For those who operate one.

export type { AdminOptions } from "./admin-session.ts";
export {
  type FastForwardOptions,
  type ForceReinitOptions,
  type ForwardResult,
  fastForwardOracle,
  forceReinitOracle,
} from "./fast-forward.ts";
export { type InitOracleOptions, type InitOracleResult, initOracle } from "./init.ts";
export type { OracleSettings } from "./oracle-settings.ts";
export { schemaSql } from "./schema.ts";
export { type OracleStatus, oracleStatus } from "./status.ts";
