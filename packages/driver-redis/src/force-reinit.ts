// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { ConsensusError, rejectOutOfRangeAdvance, systemClock } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { majority } from "@tsoracle/quorum";
import { type Ballot, isBallot, restoredBallot, toEpoch } from "./ballot.ts";
import { REINIT } from "./lua.ts";
import { runIdOf } from "./node-facts.ts";
import { closeAll, type LookedAt, lookWhileQuiet } from "./operator-look.ts";
import { checkOperatorOptions } from "./operator-patience.ts";
import { driftPpm, type OracleSettings, type RedisOracleOptions } from "./options.ts";
import { readClaim } from "./replies.ts";

export interface RedisForceReinitOptions extends RedisOracleOptions {
  /** Nothing at or below it will be issued any more: it must cover every timestamp that was ever issued. */
  readonly atLeast: PhysicalMs;
  /**
   * The operator's word that no server of this oracle runs, not even a paused one, and that what the nodes still hold
   * may be given up.
   */
  readonly serversAreStopped: true;
}

export interface RedisForceReinitResult {
  /** Of the new cluster. */
  readonly clusterId: string;
  /** Every epoch from now on is above it. */
  readonly epoch: Epoch;
  readonly highWater: PhysicalMs;
}

/** How far above the clock an oracle is set that may have been ahead of it: more than any window. */
const AHEAD_OF_CLOCK_MS = 60_000;

/**
 * Makes an oracle anew on all nodes, whatever they hold: after a majority has lost its data, or to give the oracle other
 * settings. It goes on above `atLeast`, above everything that any of these nodes still holds, and above the clock by a
 * minute, under epochs of a new generation. It takes a little longer than a tenure, in which nobody may write.
 *
 * @throws ConsensusError `permanent` with nothing written; `transient` with nothing written if a server still writes, or
 * if a node failed half-way: then run it again; `out_of_range`
 */
export async function forceReinitRedis(options: RedisForceReinitOptions): Promise<RedisForceReinitResult> {
  if (options.serversAreStopped !== true) {
    throw new ConsensusError(
      "permanent",
      "serversAreStopped: expected true, the operator's word that no server of the oracle runs",
    );
  }
  rejectOutOfRangeAdvance(options.atLeast);
  const settings = checkOperatorOptions(options);
  const looked = await lookWhileQuiet(settings);
  try {
    const highWater = floorOf(looked, options.atLeast);
    const ballot = restoredBallot(
      looked.flatMap(({ facts }) => facts.register?.promised ?? []).filter(isBallot),
      systemClock.nowMs(),
    );
    const clusterId = randomBytes(16).toString("hex");
    await writeAll(looked, { settings, clusterId, ballot, highWater });
    return { clusterId, epoch: toEpoch(ballot), highWater };
  } finally {
    closeAll(looked);
  }
}

function floorOf(looked: readonly LookedAt[], atLeast: PhysicalMs): PhysicalMs {
  const held = looked.flatMap(({ facts }) => (facts.register === undefined ? [] : [Number(facts.register.highWater)]));
  const floor = Math.max(atLeast, systemClock.nowMs() + AHEAD_OF_CLOCK_MS, ...held.filter(Number.isSafeInteger));
  rejectOutOfRangeAdvance(floor as PhysicalMs);
  return physicalMs(floor);
}

interface NewCluster {
  readonly settings: OracleSettings;
  readonly clusterId: string;
  readonly ballot: Ballot;
  readonly highWater: PhysicalMs;
}

async function writeAll(looked: readonly LookedAt[], cluster: NewCluster): Promise<void> {
  const { settings, clusterId, ballot, highWater } = cluster;
  const { terms, freshness, trustRestart } = settings;
  const fixed = [highWater, terms.tenureMs, looked.length, freshness, driftPpm(terms), trustRestart].map(String);
  const outcomes = await Promise.all(
    looked.map(async ({ node, facts }) => {
      const { clusterId: seenId = "", promised = "", beat = "" } = facts.register ?? {};
      const own = [clusterId, randomBytes(8).toString("hex"), runIdOf(facts), ballot];
      const reply = await node.runOutside(REINIT, () => [seenId, promised, beat, ...own, ...fixed]);
      const outcome = reply.kind === "reply" ? readClaim(reply.reply) : reply;
      if (outcome.kind === "ok") return [];
      return [
        `${node.label} ${outcome.kind === "failed" ? outcome.message : "was written by somebody else meanwhile"}`,
      ];
    }),
  );
  const failed = outcomes.flat();
  if (failed.length === 0) return;
  const written = looked.length - failed.length;
  const state = written >= majority(looked.length) ? "a majority holds the new oracle" : "too few hold the new oracle";
  throw new ConsensusError("transient", `${failed.join("; ")}; ${state}. Start no server, and run it again`);
}
