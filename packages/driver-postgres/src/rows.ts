// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epochFromHalves, epochToHalves, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { StatementFailure } from "./failure.ts";
import type { Row } from "./session.ts";

/** The row of an oracle, as far as observers need it. */
export interface OracleRow {
  readonly epoch: Epoch;
  readonly beat: bigint;
  readonly clean: boolean;
  readonly highWater: PhysicalMs;
  readonly freshness: string;
  readonly tenureMs: number;
  readonly rateSlackPpm: number;
  readonly holderEndpoint: string | null;
}

/** What the statement that begins a reign returns. */
export interface BumpRow {
  readonly epoch: Epoch;
  readonly highWater: PhysicalMs;
  readonly prevBeat: bigint;
  readonly prevClean: boolean;
  readonly prevHolder: string | null;
}

export function readOracleRow(row: Row): OracleRow {
  return {
    epoch: readEpoch(row),
    beat: BigInt(text(row, "beat")),
    clean: bool(row, "clean"),
    highWater: readHighWater(row),
    freshness: text(row, "freshness"),
    tenureMs: Number(text(row, "lease_ms")),
    rateSlackPpm: Number(text(row, "rate_slack_ppm")),
    holderEndpoint: row["holder_endpoint"] ?? null,
  };
}

export function readBumpRow(row: Row): BumpRow {
  return {
    epoch: readEpoch(row),
    highWater: readHighWater(row),
    prevBeat: BigInt(text(row, "prev_beat")),
    prevClean: bool(row, "prev_clean"),
    prevHolder: row["prev_holder_id"] ?? null,
  };
}

export function readEpoch(row: Row): Epoch {
  return epochFromHalves({ hi: BigInt(text(row, "epoch_hi")), lo: BigInt(text(row, "epoch_lo")) });
}

export function readHighWater(row: Row): PhysicalMs {
  return physicalMs(Number(text(row, "high_water")));
}

/** The two halves as parameters of a statement. */
export function epochParameters(epoch: Epoch): readonly [string, string] {
  const { hi, lo } = epochToHalves(epoch);
  return [hi.toString(), lo.toString()];
}

/** @throws StatementFailure when the column is missing: the tables are not ours. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (value !== undefined && value !== null) return value;
  throw StatementFailure.found(
    "SCHEMA",
    `expected a value in column ${column}, got none`,
    "the tables are not those of this version",
  );
}

export function bool(row: Row, column: string): boolean {
  return text(row, column) === "t";
}
