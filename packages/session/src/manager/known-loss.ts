// SPDX-License-Identifier: Apache-2.0
import { segmentOf } from "./lineage.ts";
import { worstLoss } from "./options.ts";
import type { EntryMark, SessionContinuity } from "./owned-session.ts";
import type { ReadJournal } from "./read-journal.ts";

/** How many entries a failover cost, as far as anybody can tell. */
export interface KnownLoss {
  readonly events: number;
  readonly loss: SessionContinuity["loss"];
  /** What can be missing at worst, counted or not: a deposed owner that keeps snapshots alone goes on for a while. */
  readonly worst: number;
}

/**
 * What a failover to this node cost, as far as the journal and the callers can tell. Of the reign that gave the newest
 * number that anybody saw, the state holds everything up to a number that the lineage says, also where others came after
 * it whose own openings were never heard of again: the difference is what was lost.
 */
export function knownLoss<State, Entry>(
  found: ReadJournal<State, Entry>,
  cleanly: boolean,
  acknowledged: EntryMark | undefined,
): KnownLoss {
  // A reign that was opened and never heard of again has reported nothing, and what it found missing is missing still.
  const worst = cleanly ? 0 : Math.max(worstLoss(found.writtenBackend), found.unreported);
  if (acknowledged === undefined) return atMost(worst, worst);
  const { epoch, seq } = acknowledged;
  const segment = segmentOf(found.lineage, epoch, seq);
  if (segment !== undefined) {
    const events = Math.max(0, seq - segment.through);
    // More than an owner has unsaved: its store lost a checkpoint that it acknowledged, and those have numbers as well.
    const isTooMuch = segment === found.lineage.at(-1) && events > worstLoss(found.writtenBackend);
    return segment.entriesOnly && !isTooMuch
      ? { events, loss: "exact", worst: Math.max(worst, events) }
      : atMost(events, worst);
  }
  // Of a reign that the store has not heard of, or not any more: what it did is above what is here, or anywhere.
  const isNewer = epoch > (found.lineage.at(-1)?.epoch ?? 0n);
  return atMost(Math.max(worst, isNewer ? seq - found.seq : seq), worst);
}

function atMost(events: number, worst: number): KnownLoss {
  return { events, loss: events === 0 ? "exact" : "at_most", worst: Math.max(worst, events) };
}
