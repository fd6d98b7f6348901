// SPDX-License-Identifier: Apache-2.0

/** One wrong storage: the right one with one piece of its source exchanged. */
export interface StorageMutant {
  readonly name: string;
  /** The rule that it breaks. */
  readonly rule: string;
  readonly file: string;
  /** What to find and what to put in its place; must occur exactly once, so that a stale mutant fails loudly. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
  /** The check that must catch it. */
  readonly caughtBy: CheckName;
}

export type CheckName =
  | "crash"
  | "crash while opening"
  | "crash while mending"
  | "fail"
  | "flip"
  | "flip behind"
  | "torn"
  | "double fault"
  | "old watermark"
  | "misplaced"
  | "validation"
  | "clone"
  | "format";

export const mutants: readonly StorageMutant[] = [
  {
    name: "the watermark is not synced",
    rule: "C3",
    file: "wal-writer.ts",
    edits: [["    this.#watermark.fdatasync();\n", ""]],
    caughtBy: "crash",
  },
  {
    name: "the log is not synced",
    rule: "P1",
    file: "wal-writer.ts",
    edits: [
      [
        "    this.#active.pwrite(bytes, this.#writeAt);\n    this.#active.fdatasync();\n",
        "    this.#active.pwrite(bytes, this.#writeAt);\n",
      ],
    ],
    caughtBy: "crash",
  },
  {
    name: "the watermark is written and synced before the log",
    rule: "C3",
    file: "wal-writer.ts",
    edits: [
      [
        "    this.#active.pwrite(bytes, this.#writeAt);\n    this.#active.fdatasync();\n    this.#watermark.pwrite(encodeSlot(mark, this.#storageId), slotOffset(mark.batch));\n    this.#watermark.fdatasync();\n",
        "    this.#watermark.pwrite(encodeSlot(mark, this.#storageId), slotOffset(mark.batch));\n    this.#watermark.fdatasync();\n    this.#active.pwrite(bytes, this.#writeAt);\n    this.#active.fdatasync();\n",
      ],
    ],
    caughtBy: "crash",
  },
  {
    name: "both slots of the watermark are one",
    rule: "C2",
    file: "watermark.ts",
    edits: [["  return (batch % 2) * SLOT_BYTES;", "  return 0 * (batch % 2) * SLOT_BYTES;"]],
    caughtBy: "crash",
  },
  {
    name: "an empty watermark counts as batch 0",
    rule: "C4",
    file: "open-policy.ts",
    edits: [['  if (slot.kind === "empty" && mark.batch === 0) {', '  if (slot.kind === "empty") {']],
    caughtBy: "double fault",
  },
  {
    name: "a torn tail is cut off without zeroing it",
    rule: "C6",
    file: "open-storage.ts",
    edits: [["        file.pwrite(new Uint8Array(repair.to - repair.from), repair.from);\n", ""]],
    caughtBy: "torn",
  },
  {
    name: "damage below the watermark is cut off like a torn tail",
    rule: "C4",
    file: "open-policy.ts",
    edits: [
      ["  if (last.batch < batch) {", "  if (last.batch < 0) {"],
      ["(inLog === undefined && mark.batch < batch)) continue;", "inLog === undefined) continue;"],
    ],
    caughtBy: "flip",
  },
  {
    name: "a bad batch with a bad slot counts as torn",
    rule: "C7",
    file: "open-policy.ts",
    edits: [
      [
        "  if (watermark.otherBad !== undefined && ahead === 0 && stop.reason !== undefined) {",
        "  if (watermark.otherBad === 'never') {",
      ],
    ],
    caughtBy: "double fault",
  },
  {
    name: "any number of batches may be ahead of the watermark",
    rule: "C5",
    file: "open-policy.ts",
    edits: [["  if (ahead > (watermark.otherBad === undefined ? 1 : 2)) {", "  if (ahead < 0) {"]],
    caughtBy: "old watermark",
  },
  {
    name: "the link to the record before is not checked",
    rule: "C1",
    file: "record.ts",
    edits: [["  if (prevCrc !== expected.prevCrc) {", "  if (prevCrc < 0) {"]],
    caughtBy: "misplaced",
  },
  {
    name: "the checksum of a header is not checked",
    rule: "C1",
    file: "record.ts",
    edits: [["  if (view.getUint32(HEADER_CRC_AT, true) !== headerCrc) {", "  if (headerCrc < 0) {"]],
    caughtBy: "flip",
  },
  {
    name: "the checksum of a payload is not checked",
    rule: "C1",
    file: "record.ts",
    edits: [["  if (stored !== crc) return", "  if (crc < 0) return"]],
    caughtBy: "flip",
  },
  {
    name: "the log says that there is a snapshot before there is one",
    rule: "P5",
    file: "durable-storage.ts",
    edits: [
      [
        '    const mark = this.#guard(() => this.#writeSnapshot(snapshot));\n    this.#write([{ type: "snapshot", mark, install: false }], this.#hardState);\n',
        '    const mark = { index, term, crc: sealOf(encodeSnapshot({ clusterId: this.identity.clusterId, snapshot })) };\n    this.#write([{ type: "snapshot", mark, install: false }], this.#hardState);\n    this.#guard(() => this.#writeSnapshot(snapshot));\n',
      ],
    ],
    caughtBy: "crash",
  },
  {
    name: "a snapshot file is renamed without a sync",
    rule: "P10",
    file: "device.ts",
    edits: [["    file.pwrite(bytes, 0);\n    file.fdatasync();\n", "    file.pwrite(bytes, 0);\n"]],
    caughtBy: "crash",
  },
  {
    name: "the directory is not synced behind a rename",
    rule: "P10",
    file: "device.ts",
    edits: [["  directory.rename(temporary, name);\n  directory.sync();\n", "  directory.rename(temporary, name);\n"]],
    caughtBy: "crash",
  },
  {
    name: "the directory is not synced behind a new segment",
    rule: "P10",
    file: "wal-writer.ts",
    edits: [["}`, name);\n  directory.sync();\n", "}`, name);\n"]],
    caughtBy: "crash",
  },
  {
    name: "segments are dropped before a snapshot covers them",
    rule: "C1",
    file: "wal-writer.ts",
    edits: [["next.lastIndexBefore > index) return;", "next.lastIndexBefore > index + 100) return;"]],
    caughtBy: "crash",
  },
  {
    name: "segments are dropped without a sync in between",
    rule: "P10",
    file: "wal-writer.ts",
    edits: [
      [
        "      this.#directory.remove(oldest.name);\n      this.#directory.sync();\n",
        "      this.#directory.remove(oldest.name);\n",
      ],
    ],
    caughtBy: "crash",
  },
  {
    name: "the boot count is only counted in memory",
    rule: "I4",
    file: "log-state.ts",
    edits: [
      [
        "        this.bootCount = payload.bootCount;\n",
        "        this.bootCount = payload.bootCount > 1 ? payload.bootCount - 1 : payload.bootCount;\n",
      ],
    ],
    caughtBy: "crash",
  },
  {
    name: "a start is counted without a sync",
    rule: "I4",
    file: "wal-writer.ts",
    edits: [
      [
        "    this.#active.pwrite(bytes, this.#writeAt);\n    this.#active.fdatasync();\n",
        '    this.#active.pwrite(bytes, this.#writeAt);\n    if (payloads[0]?.type === "boot") {\n      this.#writeAt += bytes.length;\n      this.#mark = mark;\n      for (const payload of payloads) this.state.apply(payload);\n      return mark.batch;\n    }\n    this.#active.fdatasync();\n',
      ],
    ],
    caughtBy: "crash",
  },
  {
    name: "a failed write does not stop the storage",
    rule: "P9",
    file: "durable-storage.ts",
    edits: [['      this.#life = { state: "poisoned", fault: error };\n', ""]],
    caughtBy: "fail",
  },
  {
    name: "a batch that only the cache has is marked as it is",
    rule: "C5",
    file: "open-policy.ts",
    edits: [['    repairs.push({ kind: "rewrite", segment, start, end });\n', "    if (start > end) continue;\n"]],
    caughtBy: "fail",
  },
  {
    name: "names that only the cache has are built upon",
    rule: "P10",
    file: "open-policy.ts",
    edits: [['[{ kind: "sync_names" }]', "[]"]],
    caughtBy: "fail",
  },
  {
    name: "a kept batch is not marked before it is built upon",
    rule: "C5",
    file: "open-policy.ts",
    edits: [
      ["  if (otherBad === undefined) return [mark, ...ahead];\n", "  if (otherBad === undefined) return [mark];\n"],
    ],
    caughtBy: "crash",
  },
  {
    name: "the good slot is overwritten while the other one is bad",
    rule: "C7",
    file: "open-policy.ts",
    edits: [["  if (ahead.length > 0) return ahead;", "  if (ahead.length > 0) return ahead.reverse();"]],
    caughtBy: "crash while mending",
  },
  {
    name: "what is committed may be overwritten",
    rule: "P8",
    file: "log-state.ts",
    edits: [["    if (from <= floor) return", "    if (from < 0) return"]],
    caughtBy: "validation",
  },
  {
    name: "the log may have gaps",
    rule: "C4",
    file: "log-state.ts",
    edits: [["    if (entry.index !== this.lastIndex + 1) {", "    if (entry.index < 0) {"]],
    caughtBy: "validation",
  },
  {
    name: "a second vote in one term is stored",
    rule: "E6",
    file: "log-state.ts",
    edits: [["    if (next.term === term && vote !== 0 && next.vote !== vote) {", "    if (next.vote < 0) {"]],
    caughtBy: "validation",
  },
  {
    name: "every start has the same incarnation",
    rule: "I4",
    file: "open-storage.ts",
    edits: [['Buffer.from(random(16)).toString("hex"))', 'Buffer.from(new Uint8Array(16)).toString("hex"))']],
    caughtBy: "clone",
  },
  {
    name: "an empty directory is formatted when it is started",
    rule: "I1",
    file: "open-storage.ts",
    edits: [
      [
        'import { FORMATTING_FILE } from "./format.ts";',
        'import { FORMATTING_FILE, formatStorage } from "./format.ts";',
      ],
      [
        "  if (!names.includes(IDENTITY_FILE)) {",
        '  if (names.length === 0) formatStorage(directory, { clusterId: "test" });\n  else if (!names.includes(IDENTITY_FILE)) {',
      ],
    ],
    caughtBy: "format",
  },
];
