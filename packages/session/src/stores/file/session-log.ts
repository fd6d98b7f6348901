// SPDX-License-Identifier: Apache-2.0
import {
  checkJournalFence,
  checkJournalSeq,
  checkJournalTs,
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalRecord,
  type JournalSnapshot,
} from "@tsoracle/consensus";
import { decodeFrame, encodeFrame, type Frame } from "./frame.ts";

/** What a session's two files hold. */
export interface SessionLog {
  readonly head: JournalHead;
  readonly firstSeq: number;
  readonly snapshot: JournalSnapshot | undefined;
  /** The snapshot that stands in the log's own first record, from the creation of the journal. */
  readonly firstSnapshot: JournalSnapshot | undefined;
  /** Every entry that is kept, those that the snapshot covers included. */
  readonly entries: readonly JournalRecord[];
  /** Where the next record goes. */
  readonly end: number;
  /** What the end of the file needs before anything is relied on. */
  readonly tail: "clean" | "torn" | "unmarked";
  /** The bytes of the last record. */
  readonly last: Uint8Array;
}

/** The largest JSON of a record: two names, each byte of which JSON may write in six. */
const MAX_META_BYTES = 8 * 1024;

export function baseFrame(
  id: string,
  fence: JournalFence,
  firstSeq: number,
  first: JournalSnapshot | undefined,
): Frame {
  const snapshot = first === undefined ? undefined : { seq: first.seq, ...plainFence(first) };
  const meta = { kind: "journal", format: 1, id, ...plainFence(fence), firstSeq, snapshot };
  return { meta, body: first?.bytes ?? new Uint8Array(0) };
}

export function takeoverFrame(fence: JournalFence): Frame {
  return { meta: { kind: "takeover", ...plainFence(fence) }, body: new Uint8Array(0) };
}

export function entryFrame({ epoch, owner, seq, ts, entry }: JournalRecord): Frame {
  return { meta: { kind: "entry", seq, ...plainFence({ epoch, owner }), ts: String(ts) }, body: entry };
}

/** The whole snapshot file. */
export function encodeSnapshot(id: string, { epoch, owner, seq, bytes }: JournalSnapshot): Uint8Array {
  const meta = { kind: "snapshot", format: 1, id, seq, ...plainFence({ epoch, owner }) };
  return encodeFrame({ meta, body: bytes }, 0, true);
}

/** The whole log of a journal whose entries up to `firstSeq` are gone. */
export function encodeLog(base: Frame, entries: readonly JournalRecord[]): Uint8Array {
  const frames: Uint8Array[] = [];
  let place = 0;
  for (const frame of [base, ...entries.map(entryFrame)]) {
    const bytes = encodeFrame(frame, place, true);
    frames.push(bytes);
    place += bytes.length;
  }
  return Buffer.concat(frames);
}

/**
 * What the two files of a session say.
 *
 * @throws JournalError `permanent` when they are not what was written.
 */
export function decodeSession(
  id: string,
  log: Uint8Array,
  snapshotFile: Uint8Array | undefined,
  maxBody: number,
): SessionLog {
  const rot = (why: string): JournalError => rotten(id, why);
  const { frames, end, tail, last } = decodeFrames(log, maxBody + MAX_META_BYTES, rot);
  const [base, ...rest] = frames;
  if (base === undefined || base.meta["kind"] !== "journal" || base.meta["format"] !== 1 || base.meta["id"] !== id) {
    throw rot("its first record is not that of this session");
  }
  try {
    const firstSeq = checkJournalSeq(base.meta["firstSeq"], 1);
    const firstSnapshot = embeddedSnapshot(base);
    const snapshot = snapshotFile === undefined ? firstSnapshot : decodeSnapshot(id, snapshotFile, maxBody, rot);
    let fence = fenceOf(base.meta);
    const entries: JournalRecord[] = [];
    for (const frame of rest) {
      const written = fenceOf(frame.meta);
      // A truncated log keeps entries of owners that its first record has outlived.
      if (frame.meta["kind"] === "takeover" && written.epoch > fence.epoch) fence = written;
      else if (frame.meta["kind"] === "entry" && written.epoch <= fence.epoch) entries.push(recordOf(frame));
      else throw rot(`a record of kind ${String(frame.meta["kind"])} and epoch ${written.epoch} after ${fence.epoch}`);
    }
    const nextSeq = checkOrder(entries, firstSeq, snapshot?.seq, rot);
    return {
      head: { fence, nextSeq, snapshotSeq: snapshot?.seq },
      firstSeq,
      snapshot,
      firstSnapshot,
      entries,
      end,
      tail,
      last,
    };
  } catch (error) {
    if (error instanceof JournalError && error.code === "permanent") throw error;
    throw rot(error instanceof Error ? error.message : String(error));
  }
}

function decodeFrames(
  bytes: Uint8Array,
  maxPayload: number,
  rot: (why: string) => JournalError,
): {
  readonly frames: readonly Frame[];
  readonly end: number;
  readonly tail: SessionLog["tail"];
  readonly last: Uint8Array;
} {
  const frames: Frame[] = [];
  let [from, end] = [0, 0];
  let marked = true;
  while (end < bytes.length) {
    const found = decodeFrame(bytes, end, maxPayload);
    if (found.kind === "rotten") throw rot(found.why);
    if (found.kind === "torn") {
      // The first record comes by a rename, whole or not at all.
      if (frames.length === 0) throw rot("its first record is incomplete");
      return { frames, end, tail: "torn", last: bytes.subarray(from, end) };
    }
    frames.push(found.frame);
    [from, end] = [end, found.end];
    marked = found.acknowledged;
  }
  return { frames, end, tail: marked ? "clean" : "unmarked", last: bytes.subarray(from, end) };
}

/** The next number. @throws JournalError `permanent` if entries are missing that no snapshot covers. */
function checkOrder(
  entries: readonly JournalRecord[],
  firstSeq: number,
  snapshotSeq: number | undefined,
  rot: (why: string) => JournalError,
): number {
  const covered = snapshotSeq ?? 0;
  if (firstSeq > covered + 1) throw rot(`entries before ${firstSeq} were truncated, and no snapshot covers them`);
  let next = firstSeq;
  for (const { seq } of entries) {
    if (seq < next || seq > Math.max(next, covered + 1)) throw rot(`entry ${seq} stands where ${next} is expected`);
    next = seq + 1;
  }
  return Math.max(next, covered + 1);
}

function decodeSnapshot(
  id: string,
  bytes: Uint8Array,
  maxBody: number,
  rot: (why: string) => JournalError,
): JournalSnapshot {
  const found = bytes.length === 0 ? undefined : decodeFrame(bytes, 0, maxBody + MAX_META_BYTES);
  if (found?.kind !== "frame" || found.end !== bytes.length) throw rot("its snapshot is not what was written");
  const { meta, body } = found.frame;
  if (meta["kind"] !== "snapshot" || meta["format"] !== 1 || meta["id"] !== id) {
    throw rot("its snapshot is not that of this session");
  }
  return { seq: checkJournalSeq(meta["seq"], 0), ...fenceOf(meta), bytes: body };
}

function embeddedSnapshot({ meta, body }: Frame): JournalSnapshot | undefined {
  const snapshot = meta["snapshot"];
  if (typeof snapshot !== "object" || snapshot === null) return undefined;
  const fields = snapshot as Frame["meta"];
  return { seq: checkJournalSeq(fields["seq"], 0), ...fenceOf(fields), bytes: body };
}

function recordOf({ meta, body }: Frame): JournalRecord {
  return {
    ...fenceOf(meta),
    seq: checkJournalSeq(meta["seq"], 1),
    ts: checkJournalTs(decimal(meta["ts"])),
    entry: body,
  };
}

function fenceOf(meta: Frame["meta"]): JournalFence {
  return checkJournalFence({ epoch: decimal(meta["epoch"]), owner: meta["owner"] as string });
}

function plainFence({ epoch, owner }: JournalFence): { readonly epoch: string; readonly owner: string } {
  return { epoch: String(epoch), owner };
}

function decimal(value: unknown): bigint {
  return typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : -1n;
}

export function rotten(id: string, why: string): JournalError {
  return new JournalError(
    "permanent",
    `the journal of session ${JSON.stringify(id)} is damaged: ${why}. It is left as it is; restore its files, or remove them and with them the session`,
  );
}
