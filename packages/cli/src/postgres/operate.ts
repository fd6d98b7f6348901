// SPDX-License-Identifier: Apache-2.0
import {
  type ForwardResult,
  fastForwardOracle,
  forceReinitOracle,
  initOracle,
  type OracleStatus,
  oracleStatus,
} from "@tsoracle/driver-postgres";
import { endOnSignals } from "../interrupt.ts";
import { printFields, printJson, printLine } from "../output.ts";
import { type OracleSettingFlags, requireYes } from "../store/flags.ts";
import { type PostgresFlags, readPostgresTarget } from "./access.ts";

interface OperatorFlags extends PostgresFlags {
  readonly json?: true;
}

export interface InitFlags extends OperatorFlags, OracleSettingFlags {
  readonly role: string;
  readonly seedPhysicalMs: number;
}

export interface ForwardFlags extends OperatorFlags {
  readonly atLeast: number;
  readonly yes?: true;
}

export interface ForceReinitFlags extends ForwardFlags, OracleSettingFlags {}

function oracleOf(flags: PostgresFlags): Parameters<typeof oracleStatus>[0] {
  return { ...readPostgresTarget(flags), oracle: flags.oracle, schema: flags.schema };
}

/** @throws CliError `usage`; ConsensusError as `initOracle` */
export async function initPostgres(flags: InitFlags): Promise<void> {
  const { oracle, schema, role, seedPhysicalMs, freshness, tenure: tenureMs, drift } = flags;
  const admin = oracleOf(flags);
  endOnSignals();
  const { created } = await initOracle({ ...admin, role, seedPhysicalMs, freshness, tenureMs, drift });
  if (flags.json) await printJson({ oracle, schema, role, created });
  else if (created) await printLine(`Initialized oracle ${oracle} in schema ${schema} for role ${role}`);
  else await printLine(`Oracle ${oracle} is in schema ${schema} already, with these settings`);
}

/** @throws CliError `usage`; ConsensusError as `oracleStatus` */
export async function showPostgresStatus(flags: OperatorFlags): Promise<void> {
  const admin = oracleOf(flags);
  endOnSignals();
  const status = await oracleStatus(admin);
  if (flags.json) await printJson(status);
  else await printFields(statusFields(status));
}

function statusFields(status: OracleStatus): readonly (readonly [string, string])[] {
  const { timeline, lockHolder } = status;
  const same = timeline.ofLastReign === timeline.ofServer || timeline.ofLastReign === 0;
  return [
    ["oracle", status.oracle],
    ["epoch", status.epoch.toString()],
    ["high_water_ms", `${status.highWater} (${new Date(status.highWater).toISOString()})`],
    ["leader", leaderOf(status)],
    ["lock", lockHolder === undefined ? "free" : `held by ${lockHolder.applicationName}, backend ${lockHolder.pid}`],
    ["freshness", status.freshness],
    ["tenure_ms", String(status.tenureMs)],
    ["drift", String(status.drift)],
    ["restore_generation", String(status.restoreGeneration)],
    ["timeline", same ? String(timeline.ofServer) : `${timeline.ofServer}, was ${timeline.ofLastReign}: fast-forward`],
    ["database", status.identityMatches ? "the one it was made in" : "another one: fast-forward"],
    ["sequence_keys", String(status.sequenceKeys)],
  ];
}

function leaderOf({ holderEndpoint, clean, lockHolder, epoch }: OracleStatus): string {
  if (epoch === 0n || holderEndpoint === undefined) return "none yet";
  if (lockHolder !== undefined && !clean) return holderEndpoint;
  return `none; the last was ${holderEndpoint}${clean ? ", which ended in good order" : ""}`;
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `fastForwardOracle` */
export async function fastForwardPostgres(flags: ForwardFlags): Promise<void> {
  const { oracle, atLeast: atLeastMs } = flags;
  const admin = oracleOf(flags);
  requireYes(flags.yes, `fast-forward moves oracle ${oracle} to ${atLeastMs} or above for good and fences its leader`);
  endOnSignals();
  await showForward(flags, await fastForwardOracle({ ...admin, atLeastMs }));
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `forceReinitOracle` */
export async function forceReinitPostgres(flags: ForceReinitFlags): Promise<void> {
  const { oracle, atLeast: atLeastMs, freshness, tenure: tenureMs, drift } = flags;
  const admin = oracleOf(flags);
  requireYes(flags.yes, `force-reinit changes the settings of oracle ${oracle}, whose servers must all be stopped`);
  endOnSignals();
  const settings = { atLeastMs, freshness, tenureMs, drift, allServersStopped: true } as const;
  await showForward(flags, await forceReinitOracle({ ...admin, ...settings }));
}

async function showForward({ oracle, json }: ForwardFlags, { epoch, highWater }: ForwardResult): Promise<void> {
  if (json) await printJson({ oracle, epoch, highWater });
  else await printLine(`Oracle ${oracle} goes on above physical_ms=${highWater}, beyond epoch ${epoch}`);
}
