// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on etcd.

export type { EtcdAccess, EtcdTls } from "./access.ts";
export { etcdCapabilities, etcdCapabilitiesOf, type Freshness } from "./capabilities.ts";
export type { EtcdDriver } from "./driver.ts";
export type { DriverLog } from "./log.ts";
export { openEtcdDriver } from "./open.ts";
export type { EtcdDriverOptions, EtcdOracleOptions, EtcdOracleSettings } from "./options.ts";

// For those who operate one.

export { type EtcdFastForwardOptions, type EtcdForwardResult, fastForwardEtcdOracle } from "./fast-forward.ts";
export { type InitEtcdOracleOptions, type InitEtcdOracleResult, initEtcdOracle } from "./init.ts";
export { type EtcdCandidate, type EtcdOracleStatus, etcdOracleStatus } from "./status.ts";
