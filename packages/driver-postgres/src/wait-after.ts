// SPDX-License-Identifier: Apache-2.0
import { WaitOut } from "@tsoracle/consensus";
import { epochToHalves } from "@tsoracle/core";
import type { CampaignOptions, OwnReign, Sighting } from "./campaign-protocol.ts";
import type { BumpRow, OracleRow } from "./rows.ts";

/** What a process remembers when its reign begins. */
export interface Known {
  /** Its own reign before this one, if it had any. */
  readonly own: OwnReign | undefined;
  /** What it polled last. */
  readonly sighting: Sighting | undefined;
}

/** What the reign that just began must wait for (`postgres-redis.md` 2.3). Pure. */
export function waitAfter(
  row: BumpRow,
  { own, sighting }: Known,
  { freshness, terms, holder }: Pick<CampaignOptions, "freshness" | "terms" | "holder">,
  nowNs: bigint,
): WaitOut {
  if (freshness === "confirm") return WaitOut.none(nowNs);
  const { hi, lo } = epochToHalves(row.epoch);
  const previous = (hi << 64n) | (lo - 1n);
  // After a failover or a restore the row may show an older state, in which somebody had stopped who leads now.
  const isSameLine = lo === 1n || (sighting !== undefined && sighting.row.epoch >> 64n === hi);
  if (row.prevClean && isSameLine) return WaitOut.none(nowNs);
  // The previous reign is the one that this process remembers, not one whose bump it never got an answer to.
  if (row.prevHolder === holder && own?.epoch === previous) return own.wait.inherited(nowNs);
  // For the same reason an old beat may come again; what was seen before it has another epoch.
  const isSame = sighting !== undefined && sighting.row.beat === row.prevBeat && sighting.row.epoch === previous;
  return WaitOut.after(isSame ? sighting.seenAtNs : nowNs, terms);
}

/** When what a poll shows was first seen: a beat that has moved is a new sign of life. Pure. */
export function sightingOf(row: OracleRow, last: Sighting | undefined, nowNs: bigint): Sighting {
  const isSame = last !== undefined && last.row.beat === row.beat && last.row.epoch === row.epoch;
  return { row, seenAtNs: isSame ? last.seenAtNs : nowNs };
}
