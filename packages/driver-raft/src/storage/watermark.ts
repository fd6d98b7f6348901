// SPDX-License-Identifier: Apache-2.0
import { DecodeError, isZero } from "./bytes.ts";
import { type SealedKind, seal, unseal } from "./sealed.ts";
import { type BatchMark, readMark } from "./segment.ts";
import { reasonOf } from "./storage-error.ts";

export const WATERMARK_FILE = "watermark";
/** A slot is as large as the pages of file systems and the sectors of newer disks, so that writing one spares the other. */
export const SLOT_BYTES = 4096;
export const WATERMARK_BYTES: number = 2 * SLOT_BYTES;

const kind: SealedKind = { magic: "TSRK", version: 1 };

/** One of the two slots as it was read (C2). */
export type Slot =
  | { readonly kind: "valid"; readonly mark: BatchMark; readonly storageId: string }
  /** All zero: as formatting left it. */
  | { readonly kind: "empty" }
  | { readonly kind: "bad"; readonly reason: string };

/** Batches take turns: the slot of batch k never overwrites that of batch k - 1. */
export function slotOffset(batch: number): number {
  return (batch % 2) * SLOT_BYTES;
}

/** `"TSRK" | version | storage id | batch | record_seq | chain crc | last index | last term | digest | zeros | crc`. */
export function encodeSlot(mark: BatchMark, storageId: string): Uint8Array {
  return seal(
    kind,
    0,
    (writer) => {
      writer.text(storageId);
      writer.u64(mark.batch).u64(mark.recordSeq).u32(mark.crc).u64(mark.lastIndex).u64(mark.lastTerm).u32(mark.digest);
    },
    SLOT_BYTES,
  );
}

/** The slots of a watermark file, in the order of the file. */
export function decodeSlots(bytes: Uint8Array): readonly [Slot, Slot] {
  return [decodeSlot(bytes, 0), decodeSlot(bytes, 1)];
}

function decodeSlot(bytes: Uint8Array, parity: 0 | 1): Slot {
  const slot = bytes.subarray(parity * SLOT_BYTES, (parity + 1) * SLOT_BYTES);
  if (slot.length < SLOT_BYTES) return { kind: "bad", reason: `expected ${SLOT_BYTES} bytes, found ${slot.length}` };
  if (isZero(slot)) return { kind: "empty" };
  try {
    const reader = unseal(kind, slot);
    const storageId = reader.text();
    const mark = readMark(reader);
    if (mark.batch % 2 !== parity) throw new DecodeError(`expected a batch of this slot, found batch ${mark.batch}`);
    return { kind: "valid", mark, storageId };
  } catch (error) {
    return { kind: "bad", reason: reasonOf(error) };
  }
}
