// SPDX-License-Identifier: Apache-2.0
import { type BlockDevice, type Directory, readWhole, TEMPORARY_SUFFIX } from "./device.ts";
import { DurableStorage } from "./durable-storage.ts";
import { FORMATTING_FILE } from "./format.ts";
import { hostProcess } from "./host-process.ts";
import { decodeIdentity, IDENTITY_FILE } from "./identity.ts";
import { type DirectoryLock, LOCK_FILE, lockDirectory } from "./lock.ts";
import {
  decideOpen,
  type Found,
  type FoundSnapshot,
  type OpenDecision,
  type Refusal,
  type Repair,
} from "./open-policy.ts";
import { systemRandom } from "./random.ts";
import { sealOf } from "./sealed.ts";
import { checkSegmentBytes, decodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName, segmentNumber } from "./segment.ts";
import { decodeSnapshot, snapshotPosition } from "./snapshot-file.ts";
import type { Identity, OpenOptions, RaftStorage } from "./storage.ts";
import { reasonOf, StorageError } from "./storage-error.ts";
import { WalWriter } from "./wal-writer.ts";
import { decodeSlots, encodeSlot, slotOffset, WATERMARK_FILE } from "./watermark.ts";

type Opened = Extract<OpenDecision, { readonly kind: "open" }>;

/**
 * Opens the storage of a node for one start: takes the lock, reads everything, decides by the table of `raft.md` 8.3,
 * mends what may be mended, and counts the start (I4). All of that is durable when this returns, and nothing may be sent
 * to anybody before. A crash in the middle is met by opening again.
 *
 * @throws StorageError `not_formatted`, `locked`, `damaged`, `identity_mismatch`, `invalid_option`, `io`.
 */
export function openStorage(directory: Directory, options: OpenOptions = {}): RaftStorage {
  const random = options.random ?? systemRandom;
  const segmentBytes = checkSegmentBytes(options.segmentBytes);
  const log = options.log ?? ((): void => undefined);
  try {
    const identity = readIdentity(directory, options);
    const lock =
      options.lock === "none"
        ? undefined
        : lockDirectory(directory, options.lock ?? { process: hostProcess() }, random);
    try {
      const decision = decideOpen(readDirectory(directory, identity));
      if (decision.kind === "refuse") throw refusalError(directory, identity, decision);
      for (const note of decision.notes) log(`raft storage ${directory.path}: ${note}`);
      for (const repair of decision.repairs) mend(directory, identity, repair);
      return start(directory, identity, decision, segmentBytes, lock, Buffer.from(random(16)).toString("hex"));
    } catch (error) {
      // After a failed repair the process must end; the lock it leaves behind is stale then.
      if (error instanceof StorageError && error.code !== "io") lock?.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError("io", `could not open the raft storage ${directory.path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Who the directory belongs to; reads nothing else and changes nothing. */
export function readIdentity(directory: Directory, { expect }: Pick<OpenOptions, "expect"> = {}): Identity {
  const names = directory.list();
  if (names.includes(FORMATTING_FILE)) {
    throw new StorageError(
      "not_formatted",
      `formatting of ${directory.path} was not finished. Format it again: it was never started`,
    );
  }
  if (!names.includes(IDENTITY_FILE)) {
    throw new StorageError(
      "not_formatted",
      `expected ${IDENTITY_FILE} in ${directory.path}, found ${names.length === 0 ? "an empty directory" : "none"}. A new ` +
        "node is formatted first. A node whose disk was lost must not start again: remove it from the cluster and add a new one",
    );
  }
  let identity: Identity;
  try {
    identity = decodeIdentity(readWhole(directory, IDENTITY_FILE));
  } catch (error) {
    throw refusalError(directory, undefined, {
      kind: "refuse",
      code: "damaged",
      file: IDENTITY_FILE,
      offset: 0,
      reason: reasonOf(error),
    });
  }
  for (const field of ["clusterId", "nodeId"] as const) {
    const expected = expect?.[field];
    if (expected === undefined || expected === identity[field]) continue;
    throw new StorageError(
      "identity_mismatch",
      `expected ${directory.path} to be formatted with ${field} ${expected}, found ${identity[field]}. Use the directory ` +
        "of this node; nothing was changed",
      { file: IDENTITY_FILE },
    );
  }
  return identity;
}

function readDirectory(directory: Directory, identity: Identity): Found {
  const names = directory.list();
  const segments = names
    .flatMap((name) => {
      const number = segmentNumber(name);
      return number === undefined ? [] : [{ name, number }];
    })
    .sort((a, b) => a.number - b.number)
    .map(({ name }) => ({ name, bytes: readWhole(directory, name) }));
  const snapshots = names.flatMap((name) => {
    const position = snapshotPosition(name);
    return position === undefined ? [] : [readSnapshot(directory, name, position.index)];
  });
  const watermark = names.includes(WATERMARK_FILE) ? readWhole(directory, WATERMARK_FILE) : new Uint8Array(0);
  const temporaries = names.filter((name) => name.endsWith(TEMPORARY_SUFFIX) || name.startsWith(`${LOCK_FILE}.`));
  return { identity, slots: decodeSlots(watermark), segments, snapshots, temporaries };
}

function readSnapshot(directory: Directory, name: string, index: number): FoundSnapshot {
  const bytes = readWhole(directory, name);
  try {
    return { name, index, content: { file: decodeSnapshot(bytes), crc: sealOf(bytes) } };
  } catch (error) {
    return { name, index, content: { problem: reasonOf(error) } };
  }
}

function mend(directory: Directory, { storageId }: Identity, repair: Repair): void {
  switch (repair.kind) {
    case "sync_names":
      directory.sync();
      return;
    case "remove":
      for (const name of repair.names) directory.remove(name);
      directory.sync();
      return;
    case "zero":
      within(directory, repair.segment, (file) => {
        file.pwrite(new Uint8Array(repair.to - repair.from), repair.from);
        file.fdatasync();
      });
      return;
    case "rewrite":
      within(directory, repair.segment, (file) => {
        file.pwrite(file.read(repair.start, repair.end - repair.start), repair.start);
        file.fdatasync();
      });
      return;
    case "mark":
      within(directory, WATERMARK_FILE, (file) => {
        file.pwrite(encodeSlot(repair.mark, storageId), slotOffset(repair.mark.batch));
        file.fdatasync();
      });
      return;
    default:
      repair satisfies never;
  }
}

function within(directory: Directory, name: string, work: (file: BlockDevice) => void): void {
  const file = directory.open(name);
  try {
    work(file);
  } finally {
    file.close();
  }
}

function start(
  directory: Directory,
  identity: Identity,
  { state, mark, header, writeAt, snapshot }: Opened,
  segmentBytes: number,
  lock: DirectoryLock | undefined,
  incarnation: string,
): RaftStorage {
  const wal = new WalWriter({
    directory,
    storageId: identity.storageId,
    segmentBytes,
    state,
    mark,
    header,
    writeAt,
    segments: knownSegments(directory),
    active: directory.open(segmentName(header.number)),
    watermark: directory.open(WATERMARK_FILE),
  });
  return new DurableStorage({ directory, identity, wal, snapshot, lock, incarnation });
}

function knownSegments(directory: Directory): { name: string; bytes: number; lastIndexBefore: number }[] {
  return directory
    .list()
    .filter((name) => segmentNumber(name) !== undefined)
    .map((name) => {
      const file = directory.open(name);
      try {
        const { bytes, mark } = decodeSegmentHeader(file.read(0, SEGMENT_HEADER_BYTES));
        return { name, bytes, lastIndexBefore: mark.lastIndex };
      } finally {
        file.close();
      }
    });
}

function refusalError(directory: Directory, identity: Identity | undefined, refusal: Refusal): StorageError {
  const { code, file, offset, reason } = refusal;
  const node = identity === undefined ? "this node" : `node ${identity.nodeId}`;
  const advice =
    code === "damaged"
      ? `What this node answered for cannot be read any more, so it must not vote again. Nothing was changed. Remove ${node} ` +
        "from the cluster and add a new node with an empty directory; do not delete or restore single files"
      : "Files of different storages are mixed. Nothing was changed. Use the directory of this node as it was";
  return new StorageError(code, `${file} at byte ${offset} in ${directory.path}: ${reason}. ${advice}`, {
    file,
    offset,
  });
}
