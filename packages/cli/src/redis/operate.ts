// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import {
  admitRedisNodes,
  fastForwardRedis,
  forceReinitRedis,
  initRedisNodes,
  type RedisNodeStatus,
  redisStatus,
  trustRedisRestarts,
} from "@tsoracle/driver-redis";
import { CliError } from "../cli-error.ts";
import { endOnSignals } from "../interrupt.ts";
import { printFields, printJson, printLine } from "../output.ts";
import { requireYes } from "../store/flags.ts";
import { type RedisFlags, readRedisOracle } from "./access.ts";

export interface StatusFlags extends RedisFlags {
  readonly json?: true;
}

export interface InitFlags extends StatusFlags {
  readonly seedPhysicalMs: number;
}

export interface AdmitFlags extends StatusFlags {
  readonly yes?: true;
}

export interface ForwardFlags extends AdmitFlags {
  readonly atLeast: number;
}

/** @throws CliError `usage`; ConsensusError as `initRedisNodes` */
export async function initRedis(flags: InitFlags): Promise<void> {
  const options = readRedisOracle(flags);
  endOnSignals();
  const clusterId = await initRedisNodes({ ...options, highWater: physicalMs(flags.seedPhysicalMs) });
  const { oracle } = flags;
  if (flags.json) await printJson({ oracle, nodes: options.nodes.length, clusterId });
  else await printLine(`Initialized oracle ${oracle} on ${options.nodes.length} nodes, cluster ${clusterId}`);
}

/** @throws CliError `usage`, `failed` when too few nodes vote; ConsensusError as `redisStatus` */
export async function showRedisStatus(flags: StatusFlags): Promise<void> {
  const options = readRedisOracle(flags);
  endOnSignals();
  const { nodes, majority, highWater, warnings } = await redisStatus(options);
  if (flags.json) await printJson({ oracle: flags.oracle, majority, highWater: highWater ?? null, nodes, warnings });
  else {
    const total: readonly [string, string] = ["high_water_ms", highWater === undefined ? "-" : `${highWater}`];
    const told = warnings.map((warning): readonly [string, string] => ["warning", warning]);
    await printFields([...nodes.map(nodeField), total, ...told]);
  }
  const votes = nodes.filter((node) => node.votes).length;
  if (highWater === undefined) throw new CliError("failed", `${votes} nodes vote, and ${majority} must`);
}

function nodeField(status: RedisNodeStatus): readonly [string, string] {
  if (!status.votes) {
    const holds = status.holds === undefined ? "" : `; holds high-water ${status.holds}`;
    return [status.node, `no vote: ${status.reason}${holds}`];
  }
  const { epoch, highWater, holder, isReleased } = status;
  const whose = holder === undefined ? "held by nobody" : `${isReleased ? "released" : "held"} by ${holder}`;
  return [status.node, `votes; epoch ${epoch}, high-water ${highWater}, ${whose}`];
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `admitRedisNodes` */
export async function admitRedis(flags: AdmitFlags): Promise<void> {
  const options = readRedisOracle(flags);
  const { oracle } = flags;
  requireYes(
    flags.yes,
    `admit gives empty or restarted nodes of oracle ${oracle} their vote, and all of its servers must be stopped`,
  );
  endOnSignals();
  const admitted = await admitRedisNodes({ ...options, serversAreStopped: true });
  if (flags.json) await printJson({ oracle, admitted });
  else await printLine(admitted.length === 0 ? "No node needs it" : `Admitted ${admitted.join(", ")}`);
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `fastForwardRedis` */
export async function fastForwardRedisOracle(flags: ForwardFlags): Promise<void> {
  const options = readRedisOracle(flags);
  const { oracle, atLeast } = flags;
  requireYes(flags.yes, `fast-forward moves oracle ${oracle} to ${atLeast} or above for good`);
  endOnSignals();
  const highWater = await fastForwardRedis({ ...options, to: physicalMs(atLeast) });
  if (flags.json) await printJson({ oracle, highWater });
  else await printLine(`Oracle ${oracle} goes on above physical_ms=${highWater}`);
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `forceReinitRedis` */
export async function forceReinitRedisOracle(flags: ForwardFlags): Promise<void> {
  const options = readRedisOracle(flags);
  const { oracle, atLeast } = flags;
  requireYes(
    flags.yes,
    `force-reinit gives up what the nodes hold of oracle ${oracle}, whose servers must all be stopped`,
  );
  endOnSignals();
  const terms = { atLeast: physicalMs(atLeast), serversAreStopped: true } as const;
  const { clusterId, epoch, highWater } = await forceReinitRedis({ ...options, ...terms });
  if (flags.json) await printJson({ oracle, clusterId, epoch, highWater });
  else await printLine(`Oracle ${oracle} goes on above physical_ms=${highWater}, beyond epoch ${epoch}`);
}

/** @throws CliError `usage` without `--yes`; ConsensusError as `trustRedisRestarts` */
export async function trustRedisRestart(flags: AdmitFlags): Promise<void> {
  const options = readRedisOracle({ ...flags, trustRestart: "never" });
  const { oracle } = flags;
  requireYes(
    flags.yes,
    `trust-restart lets nodes of oracle ${oracle} vote with the data that they came back with, which must be all that they had acknowledged`,
  );
  endOnSignals();
  const trusted = await trustRedisRestarts({ ...options, dataIsWhole: true });
  if (flags.json) await printJson({ oracle, trusted });
  else await printLine(trusted.length === 0 ? "No node needs it" : `Trusted ${trusted.join(", ")}`);
}
