// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on Postgres.
export { type Freshness, type PostgresDurability, postgresCapabilities, postgresCapabilitiesOf } from "./capabilities.ts";
