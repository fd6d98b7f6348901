// SPDX-License-Identifier: Apache-2.0
import {
  checkJournalFence,
  checkJournalSeq,
  type JournalFence,
  type JournalHead,
  type JournalWrite,
  journalHeadAfter,
} from "@tsoracle/consensus";

/** Numbers without an entry, left by a snapshot that went ahead; both ends are in it. */
export type Gap = readonly [from: number, to: number];

/** What every copy of a session says of it besides entries and snapshot. */
export interface SessionHead extends JournalHead {
  /** Entries up to this number were truncated. */
  readonly cut: number;
  readonly gaps: readonly Gap[];
  /** Marks of the last writes, newest first, so that whoever was overtaken can see whether its write is among them. */
  readonly recent: readonly string[];
}

const RECENT = 32;

/** The first head of a session. */
export function firstHead(fence: JournalFence, hasSnapshot: boolean, tag: string): SessionHead {
  return { fence, nextSeq: 1, snapshotSeq: hasSnapshot ? 0 : undefined, cut: 0, gaps: [], recent: [tag] };
}

/** The head after a write that the rules allow. */
export function headAfter(head: SessionHead, write: JournalWrite, tag: string): SessionHead {
  const next = { ...journalHeadAfter(head, write), recent: [tag, ...head.recent].slice(0, RECENT) };
  switch (write.kind) {
    case "takeover":
    case "append":
      return { ...next, cut: head.cut, gaps: head.gaps };
    case "snapshot":
      return {
        ...next,
        cut: head.cut,
        gaps: write.seq < head.nextSeq ? head.gaps : joined(head.gaps, [head.nextSeq, write.seq]),
      };
    case "truncate": {
      const cut = Math.max(head.cut, write.seq);
      return { ...next, cut, gaps: head.gaps.filter(([, to]) => to > cut) };
    }
    default:
      return write satisfies never;
  }
}

/** The number of the first entry that is kept, or the next one. */
export function firstSeqOf({ cut, gaps }: SessionHead): number {
  const first = cut + 1;
  const gap = gaps.find(([from, to]) => from <= first && first <= to);
  return gap === undefined ? first : gap[1] + 1;
}

/** The entries that a truncation removes, as ranges that hold entries only. */
export function removedBy(head: SessionHead, through: number): readonly Gap[] {
  const end = Math.min(through, head.nextSeq - 1);
  const ranges: Gap[] = [];
  let from = head.cut + 1;
  for (const [start, to] of head.gaps) {
    if (start > end) break;
    if (from < start) ranges.push([from, start - 1]);
    from = Math.max(from, to + 1);
  }
  if (from <= end) ranges.push([from, end]);
  return ranges;
}

/**
 * Whether the write with this mark, which was to be revision `rev`, is in a session of revision `now`. Undefined where too
 * much came after it.
 */
export function holdsWrite(
  head: SessionHead | undefined,
  now: number,
  write: { readonly rev: number; readonly tag: string },
): boolean | undefined {
  const back = now - write.rev;
  if (back < 0 || head === undefined) return false;
  return back < head.recent.length ? head.recent[back] === write.tag : undefined;
}

export function encodeHead({ fence, nextSeq, snapshotSeq, cut, gaps, recent }: SessionHead): string {
  return JSON.stringify({ epoch: String(fence.epoch), owner: fence.owner, nextSeq, snapshotSeq, cut, gaps, recent });
}

/** @throws JournalError or TypeError for anything that {@link encodeHead} did not write. */
export function decodeHead(text: string): SessionHead {
  const value = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const { epoch, owner, nextSeq, snapshotSeq, cut, gaps, recent } = value;
  if (!Array.isArray(gaps) || !Array.isArray(recent)) throw new TypeError("gaps and recent writes are lists");
  return {
    fence: checkJournalFence({ epoch: BigInt(String(epoch)), owner: owner as string }),
    // One more than the last number that there is comes next where that one is taken.
    nextSeq: checkJournalSeq(Number(nextSeq) - 1, 0) + 1,
    snapshotSeq: snapshotSeq === undefined ? undefined : checkJournalSeq(snapshotSeq, 0),
    cut: checkJournalSeq(cut, 0),
    gaps: gaps.map(([from, to]: [unknown, unknown]) => [checkJournalSeq(from, 1), checkJournalSeq(to, 1)] as const),
    recent: recent.map(String),
  };
}

function joined(gaps: readonly Gap[], gap: Gap): readonly Gap[] {
  const last = gaps.at(-1);
  if (last === undefined || last[1] + 1 < gap[0]) return [...gaps, gap];
  return [...gaps.slice(0, -1), [last[0], gap[1]]];
}
