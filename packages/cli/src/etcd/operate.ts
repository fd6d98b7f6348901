// SPDX-License-Identifier: Apache-2.0
import { type EtcdOracleStatus, etcdOracleStatus, fastForwardEtcdOracle, initEtcdOracle } from "@tsoracle/driver-etcd";
import { endOnSignals } from "../interrupt.ts";
import { printFields, printJson, printLine } from "../output.ts";
import { type OracleSettingFlags, requireYes } from "../store/flags.ts";
import { type EtcdFlags, readEtcdOracle } from "./access.ts";

export interface StatusFlags extends EtcdFlags {
  readonly json?: true;
}

export interface InitFlags extends StatusFlags, OracleSettingFlags {
  readonly seedPhysicalMs: number;
}

export interface ForwardFlags extends StatusFlags {
  readonly atLeast: number;
  readonly aboveEpoch?: bigint;
  readonly yes?: true;
}

/** @throws CliError `usage`; ConsensusError as `initEtcdOracle` */
export async function initEtcd(flags: InitFlags): Promise<void> {
  const { prefix, seedPhysicalMs, freshness, tenure: tenureMs, drift } = flags;
  const oracle = readEtcdOracle(flags);
  endOnSignals();
  const settings = { freshness, tenure: { tenureMs, drift } } as const;
  const { created, clusterId } = await initEtcdOracle({ ...oracle, ...settings, seedPhysicalMs });
  if (flags.json) await printJson({ prefix, clusterId, created });
  else if (created) await printLine(`Initialized oracle ${prefix} in etcd cluster ${clusterId}`);
  else await printLine(`Oracle ${prefix} is in etcd cluster ${clusterId} already, with these settings`);
}

/** @throws CliError `usage`; ConsensusError as `etcdOracleStatus` */
export async function showEtcdStatus(flags: StatusFlags): Promise<void> {
  const oracle = readEtcdOracle(flags);
  endOnSignals();
  const status = await etcdOracleStatus(oracle);
  if (flags.json) await printJson(status);
  else await printFields(statusFields(status));
}

function statusFields(status: EtcdOracleStatus): readonly (readonly [string, string])[] {
  const { clusterId, candidates } = status;
  const [leader, ...others] = candidates.map(({ advertise, epoch }) => `${advertise ?? "?"} (epoch ${epoch})`);
  const isSame = clusterId.ofOracle === clusterId.ofStore;
  return [
    ["oracle", status.prefix],
    ["last_epoch", `${status.epoch}${status.clean ? ", ended in good order" : ""}`],
    ["high_water_ms", `${status.highWater} (${new Date(status.highWater).toISOString()})`],
    ["leader", leader ?? "none"],
    ["behind_it", others.length === 0 ? "nobody" : others.join(", ")],
    ["freshness", status.freshness],
    ["tenure_ms", String(status.tenureMs)],
    ["drift", String(status.drift)],
    ["cluster", isSame ? clusterId.ofStore : `${clusterId.ofStore}, was ${clusterId.ofOracle}: fast-forward`],
    ["revision", String(status.revision)],
    ["etcd", status.etcdVersion],
    ["sequence_keys", String(status.sequenceKeys)],
  ];
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `fastForwardEtcdOracle` */
export async function fastForwardEtcd(flags: ForwardFlags): Promise<void> {
  const { prefix, atLeast: atLeastMs, aboveEpoch } = flags;
  const oracle = readEtcdOracle(flags);
  requireYes(flags.yes, `fast-forward moves oracle ${prefix} to ${atLeastMs} or above for good`);
  endOnSignals();
  const { highWater, revision } = await fastForwardEtcdOracle({ ...oracle, atLeastMs, aboveEpoch });
  if (flags.json) await printJson({ prefix, highWater, revision });
  else await printLine(`Oracle ${prefix} goes on above physical_ms=${highWater}, beyond epoch ${revision}`);
}
