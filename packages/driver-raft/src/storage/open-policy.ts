// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from "../raft/types.ts";
import { emptySnap } from "./empty.ts";
import type { LogState } from "./log-state.ts";
import { type Scan, type SegmentBytes, scanSegments } from "./scan.ts";
import { hex } from "./sealed.ts";
import { type BatchMark, decodeSegmentHeader, markDifference, type SegmentHeader } from "./segment.ts";
import { type SnapshotFile, snapshotName } from "./snapshot-file.ts";
import type { Identity } from "./storage.ts";
import { reasonOf, type StorageErrorCode } from "./storage-error.ts";
import { type Slot, slotOffset, WATERMARK_FILE } from "./watermark.ts";

/** A snapshot file as it was read. */
export interface FoundSnapshot {
  readonly name: string;
  readonly index: number;
  readonly content: { readonly file: SnapshotFile; readonly crc: number } | { readonly problem: string };
}

/** Everything that a start looks at; nothing of it has been changed. */
export interface Found {
  readonly identity: Identity;
  readonly slots: readonly [Slot, Slot];
  /** In the order of their numbers. */
  readonly segments: readonly SegmentBytes[];
  readonly snapshots: readonly FoundSnapshot[];
  /** Files that were never finished. */
  readonly temporaries: readonly string[];
}

/** What must be done to the directory before the node may answer anybody, in this order. Doing it twice does no harm. */
export type Repair =
  /** An earlier process may have failed to sync names that the cache still shows. */
  | { readonly kind: "sync_names" }
  | { readonly kind: "remove"; readonly names: readonly string[] }
  /** Zeros from `from` to the end of the segment, so that nothing stale ever comes back to life. */
  | { readonly kind: "zero"; readonly segment: string; readonly from: number; readonly to: number }
  /** The same bytes once more: an earlier process may have failed to sync what the cache still shows. */
  | { readonly kind: "rewrite"; readonly segment: string; readonly start: number; readonly end: number }
  | { readonly kind: "mark"; readonly mark: BatchMark };

export type OpenDecision =
  | {
      readonly kind: "open";
      readonly state: LogState;
      readonly mark: BatchMark;
      readonly header: SegmentHeader;
      /** Where the next batch goes in the last segment. */
      readonly writeAt: number;
      readonly snapshot: Snapshot;
      readonly repairs: readonly Repair[];
      /** In sentences, for the log of the process. */
      readonly notes: readonly string[];
    }
  | Refusal;

export interface Refusal {
  readonly kind: "refuse";
  readonly code: StorageErrorCode;
  readonly file: string;
  readonly offset: number;
  /** What was expected and what was found. */
  readonly reason: string;
}

/** Decides by the table of `raft.md` 8.3. Rules C4 and C7 refuse; C5 keeps; C6 truncates what was never answered. */
export function decideOpen(found: Found): OpenDecision {
  const watermark = readWatermark(found);
  if (watermark.kind === "refuse") return watermark;
  const mismatch = identityMismatch(found);
  if (mismatch !== undefined) return mismatch;
  const first = found.segments[0];
  if (first === undefined) {
    return damaged("wal", 0, `expected the segments of batch ${watermark.mark.batch}, found none`);
  }
  let scan: Scan;
  try {
    scan = scanSegments(found.segments);
  } catch (error) {
    return damaged(first.name, 0, reasonOf(error));
  }
  return judgeLog(found, watermark, scan) ?? acceptLog(found, watermark, scan);
}

interface Watermark {
  readonly kind: "watermark";
  /** The highest batch that may have been answered for, as far as the slots can tell. */
  readonly mark: BatchMark;
  readonly other: BatchMark | undefined;
  /** The other slot is damaged: it may have held the batch after `mark`, or the one before (C7). */
  readonly otherBad: string | undefined;
}

function readWatermark({ slots, identity }: Found): Watermark | Refusal {
  const valid = slots.flatMap((slot) => (slot.kind === "valid" ? [slot] : []));
  valid.sort((a, b) => b.mark.batch - a.mark.batch);
  const [newest, older] = valid;
  if (newest === undefined) {
    const reasons = slots.map((slot) => (slot.kind === "bad" ? slot.reason : "an empty slot")).join("; ");
    return damaged(WATERMARK_FILE, 0, `expected a readable slot, found none: ${reasons}`);
  }
  for (const { storageId, mark } of valid) {
    if (storageId !== identity.storageId) return foreign(WATERMARK_FILE, slotOffset(mark.batch), identity, storageId);
  }
  const { mark } = newest;
  if (older !== undefined) {
    if (older.mark.batch === mark.batch - 1) {
      return { kind: "watermark", mark, other: older.mark, otherBad: undefined };
    }
    const reason = `expected the slots of two batches in a row, found ${older.mark.batch} and ${mark.batch}`;
    return damaged(WATERMARK_FILE, slotOffset(older.mark.batch), reason);
  }
  const slot = slots[(mark.batch + 1) % 2] as Slot;
  // Only before the first batch is one of the slots rightly empty.
  if (slot.kind === "empty" && mark.batch === 0) {
    return { kind: "watermark", mark, other: undefined, otherBad: undefined };
  }
  const otherBad = slot.kind === "bad" ? slot.reason : "expected a slot that was written, found zeros";
  return { kind: "watermark", mark, other: undefined, otherBad };
}

function identityMismatch({ identity, segments }: Found): Refusal | undefined {
  for (const { name, bytes } of segments) {
    const storageId = storageIdOf(bytes);
    if (storageId !== undefined && storageId !== identity.storageId) return foreign(name, 0, identity, storageId);
  }
  return undefined;
}

/** Undefined where the header cannot be read, which is judged elsewhere. */
function storageIdOf(segment: Uint8Array): string | undefined {
  try {
    return decodeSegmentHeader(segment).storageId;
  } catch {
    return undefined;
  }
}

function judgeLog({ segments }: Found, watermark: Watermark, scan: Scan): Refusal | undefined {
  const { stop, contradiction } = scan;
  const { batch } = watermark.mark;
  if (contradiction !== undefined) return damaged(contradiction.segment, contradiction.offset, contradiction.reason);
  const last = lastMark(scan);
  if (last.batch < batch) {
    const reason = stop.reason ?? "found nothing more";
    return damaged(stop.segment, stop.offset, `expected batch ${last.batch + 1} of ${batch} answered ones; ${reason}`);
  }
  for (const mark of [watermark.mark, watermark.other]) {
    const inLog = mark === undefined ? undefined : markOf(scan, mark.batch);
    if (mark === undefined || (inLog === undefined && mark.batch < batch)) continue;
    const difference =
      inLog === undefined ? "expected it in the log, found only later ones" : markDifference(mark, inLog);
    if (difference === undefined) continue;
    return damaged(
      WATERMARK_FILE,
      slotOffset(mark.batch),
      `batch ${mark.batch} is not what the slot says: ${difference}`,
    );
  }
  // A batch is begun only when the one before is marked, so at most one can be ahead of the newest slot.
  const ahead = last.batch - batch;
  if (ahead > (watermark.otherBad === undefined ? 1 : 2)) {
    const reason = `expected at most one batch behind the watermark, found ${ahead}; the watermark is older than the log`;
    return damaged(WATERMARK_FILE, slotOffset(batch), reason);
  }
  if (watermark.otherBad !== undefined && ahead === 0 && stop.reason !== undefined) {
    const reason =
      `batch ${batch + 1} may have been answered, and neither its slot (${watermark.otherBad}) ` +
      `nor the log (${stop.reason}) can tell`;
    return damaged(stop.segment, stop.offset, reason);
  }
  for (const name of scan.strays) {
    const header = readHeader(segments.find((segment) => segment.name === name)?.bytes);
    if (header === undefined || header.mark.batch <= last.batch) continue;
    return damaged(
      stop.segment,
      stop.offset,
      `expected the batches before ${name}, which begins after ${header.mark.batch}`,
    );
  }
  return undefined;
}

function readHeader(bytes: Uint8Array | undefined): SegmentHeader | undefined {
  try {
    return bytes === undefined ? undefined : decodeSegmentHeader(bytes);
  } catch {
    return undefined;
  }
}

function acceptLog(found: Found, watermark: Watermark, scan: Scan): OpenDecision {
  const { state, stop, header } = scan;
  const mark = lastMark(scan);
  const marked = judgeSnapshots(found, state);
  if (marked.kind === "refuse") return marked;
  const { batch } = watermark.mark;
  const notes: string[] = [];
  const repairs: Repair[] = [{ kind: "sync_names" }];
  const unneeded = [...found.temporaries, ...scan.strays, ...marked.unneeded];
  if (stop.reason !== undefined) {
    repairs.push({ kind: "zero", segment: stop.segment, from: stop.offset, to: header.bytes });
    notes.push(
      `dropped an unfinished batch that was never answered, from byte ${stop.offset} of ${stop.segment}: ${stop.reason}`,
    );
  }
  if (unneeded.length > 0) {
    repairs.push({ kind: "remove", names: unneeded });
    notes.push(`removed files that were never finished or are no longer needed: ${unneeded.join(", ")}`);
  }
  for (const { segment, start, end, mark: kept } of scan.batches) {
    if (kept.batch <= batch) continue;
    repairs.push({ kind: "rewrite", segment, start, end });
    notes.push(`kept batch ${kept.batch}, which is whole although its watermark was not written`);
  }
  if (watermark.otherBad !== undefined) {
    notes.push(`wrote a damaged slot of ${WATERMARK_FILE} again from the log: ${watermark.otherBad}`);
  }
  repairs.push(...marksToWrite(watermark, scan).map((each): Repair => ({ kind: "mark", mark: each })));
  return { kind: "open", state, mark, header, writeAt: stop.offset, snapshot: marked.snapshot, repairs, notes };
}

/** Slots to write, so that the only good slot is never overwritten while the other one is bad. */
function marksToWrite(watermark: Watermark, scan: Scan): readonly BatchMark[] {
  const { mark, otherBad } = watermark;
  const ahead = scan.batches.filter((found) => found.mark.batch > mark.batch).map((found) => found.mark);
  if (otherBad === undefined) return [mark, ...ahead];
  if (ahead.length > 0) return ahead;
  const previous = markOf(scan, mark.batch - 1);
  return previous === undefined ? [mark] : [previous, mark];
}

function judgeSnapshots(
  { snapshots, identity }: Found,
  state: LogState,
): Refusal | { readonly kind: "marked"; readonly snapshot: Snapshot; readonly unneeded: readonly string[] } {
  const { index, term, crc } = state.mark;
  const name = index === 0 ? undefined : snapshotName(index, term);
  const older = snapshots.filter((each) => each.index < index).sort((a, b) => b.index - a.index);
  const kept = new Set([name, older[0]?.name]);
  let snapshot = emptySnap;
  for (const each of snapshots) {
    if (!kept.has(each.name)) continue;
    if ("problem" in each.content) return damaged(each.name, 0, each.content.problem);
    const { file } = each.content;
    if (file.clusterId !== identity.clusterId) {
      const reason = `expected a snapshot of cluster "${identity.clusterId}", found one of "${file.clusterId}"`;
      return { kind: "refuse", code: "identity_mismatch", file: each.name, offset: 0, reason };
    }
    const { metadata } = file.snapshot;
    if (snapshotName(metadata.index, metadata.term) !== each.name) {
      return damaged(each.name, 0, `expected the snapshot of its name, found index ${metadata.index}`);
    }
    if (each.name !== name) continue;
    if (each.content.crc !== crc) {
      return damaged(each.name, 0, `expected checksum ${hex(crc)} as the log says, found ${hex(each.content.crc)}`);
    }
    snapshot = file.snapshot;
  }
  if (name !== undefined && snapshot === emptySnap) {
    return damaged(name, 0, "expected the snapshot that the log relies on, found no such file");
  }
  return { kind: "marked", snapshot, unneeded: snapshots.map((each) => each.name).filter((each) => !kept.has(each)) };
}

function lastMark(scan: Scan): BatchMark {
  return scan.batches.at(-1)?.mark ?? scan.baseMark;
}

function markOf(scan: Scan, batch: number): BatchMark | undefined {
  if (scan.baseMark.batch === batch) return scan.baseMark;
  return scan.batches.find((found) => found.mark.batch === batch)?.mark;
}

function damaged(file: string, offset: number, reason: string): Refusal {
  return { kind: "refuse", code: "damaged", file, offset, reason };
}

function foreign(file: string, offset: number, identity: Identity, storageId: string): Refusal {
  const reason = `expected a file of storage "${identity.storageId}", found one of "${storageId}"`;
  return { kind: "refuse", code: "identity_mismatch", file, offset, reason };
}
