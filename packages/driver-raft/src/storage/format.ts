// SPDX-License-Identifier: Apache-2.0
import { type Directory, readWhole, replaceWhole, TEMPORARY_SUFFIX } from "./device.ts";
import { noHardState } from "./empty.ts";
import { checkIdentity, encodeIdentity, IDENTITY_FILE } from "./identity.ts";
import { digestOf, type LogBase } from "./log-state.ts";
import { randomNodeId, randomStorageId, systemRandom } from "./random.ts";
import { sealOf } from "./sealed.ts";
import { checkSegmentBytes, segmentNumber } from "./segment.ts";
import { encodeSnapshot, snapshotName, snapshotPosition, snapshotProblem } from "./snapshot-file.ts";
import type { FormatOptions, Identity } from "./storage.ts";
import { reasonOf, StorageError } from "./storage-error.ts";
import { createSegment } from "./wal-writer.ts";
import { encodeSlot, WATERMARK_BYTES, WATERMARK_FILE } from "./watermark.ts";

/** Present while formatting is under way: such a directory was never started. */
export const FORMATTING_FILE = "FORMATTING";
/** What mounting a file system leaves in its top directory. */
const IGNORED: readonly string[] = ["lost+found"];

/**
 * Makes an empty directory the storage of one node: identity, first segment, watermark, and the state to begin with
 * (`raft.md` I1). All of it is durable when this returns. What a crash leaves is never started, and can be formatted
 * again.
 *
 * @throws StorageError `already_formatted` if anything is in the directory already, `invalid_option`, `io`.
 */
export function formatStorage(directory: Directory, options: FormatOptions): Identity {
  const random = options.random ?? systemRandom;
  const identity = checkIdentity({
    clusterId: options.clusterId,
    nodeId: options.nodeId ?? randomNodeId(random),
    storageId: options.storageId ?? randomStorageId(random),
    genesis: Uint8Array.from(options.genesis ?? []),
  });
  const segmentBytes = checkSegmentBytes(options.segmentBytes);
  const snapshot = options.initialSnapshot;
  const problem = snapshot === undefined ? undefined : snapshotProblem(snapshot);
  if (problem !== undefined) throw new StorageError("invalid_option", `${problem}; nothing was written`);
  try {
    clear(directory);
    const base: LogBase = { hardState: noHardState, bootCount: 0, mark: noMark, lastIndex: 0, lastTerm: 0 };
    write(
      directory,
      identity,
      segmentBytes,
      snapshot === undefined ? base : writeInitial(directory, identity, snapshot),
    );
    directory.remove(FORMATTING_FILE);
    directory.sync();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      "io",
      `could not format ${directory.path}: ${reasonOf(error)}. Check that it is on a local disk, writable by this user ` +
        "and not full, then format it again",
      { cause: error },
    );
  }
  return identity;
}

const noMark = { index: 0, term: 0, crc: 0 };

/** Leaves the directory empty except for the marker, or refuses it. */
function clear(directory: Directory): void {
  const names = directory.list().filter((name) => !IGNORED.includes(name));
  if (!names.includes(FORMATTING_FILE)) {
    if (names.length > 0) {
      throw new StorageError(
        "already_formatted",
        `expected an empty directory to format, found ${names.slice(0, 5).join(", ")} in ${directory.path}. Use another ` +
          "directory. If this one belonged to a node, that node must be removed from the cluster before its disk is used again",
      );
    }
    const marker = directory.create(FORMATTING_FILE);
    marker.fdatasync();
    marker.close();
    directory.sync();
    return;
  }
  const foreign = names.find((name) => !isOurs(name));
  if (foreign !== undefined) {
    throw new StorageError(
      "already_formatted",
      `expected only the rest of an unfinished formatting in ${directory.path}, found ${foreign}; nothing was removed`,
    );
  }
  for (const name of names) if (name !== FORMATTING_FILE) directory.remove(name);
  directory.sync();
}

function isOurs(name: string): boolean {
  const finished = name.endsWith(TEMPORARY_SUFFIX) ? name.slice(0, -TEMPORARY_SUFFIX.length) : name;
  if ([FORMATTING_FILE, IDENTITY_FILE, WATERMARK_FILE].includes(finished)) return true;
  return segmentNumber(finished) !== undefined || snapshotPosition(finished) !== undefined;
}

function writeInitial(
  directory: Directory,
  { clusterId }: Identity,
  snapshot: NonNullable<FormatOptions["initialSnapshot"]>,
): LogBase {
  const { index, term } = snapshot.metadata;
  const bytes = encodeSnapshot({ clusterId, snapshot });
  const name = snapshotName(index, term);
  replaceWhole(directory, name, bytes);
  const mark = { index, term, crc: sealOf(readWhole(directory, name)) };
  return { hardState: { term, vote: 0, commit: index }, bootCount: 0, mark, lastIndex: index, lastTerm: term };
}

function write(directory: Directory, identity: Identity, segmentBytes: number, base: LogBase): void {
  const { lastIndex, lastTerm, hardState, bootCount } = base;
  const mark = { batch: 0, recordSeq: 0, crc: 0, lastIndex, lastTerm, digest: digestOf(hardState, bootCount) };
  const { storageId } = identity;
  createSegment(directory, { number: 1, bytes: segmentBytes, storageId, mark, base }).close();
  const watermark = new Uint8Array(WATERMARK_BYTES);
  watermark.set(encodeSlot(mark, storageId));
  replaceWhole(directory, WATERMARK_FILE, watermark);
  replaceWhole(directory, IDENTITY_FILE, encodeIdentity(identity));
}
