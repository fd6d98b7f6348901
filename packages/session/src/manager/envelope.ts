// SPDX-License-Identifier: Apache-2.0
import { checkBackend, type PersistenceBackend } from "../backend.ts";
import { checkEpoch, checkId, checkInteger, checkMs, checkText } from "../checked.ts";
import type { DurableSession, Snapshot } from "../durable-session.ts";
import { checkEntry, type JournalEntry } from "../journal-entry.ts";
import { checkCounter } from "../replay.ts";
import { checkBudgets } from "../start.ts";
import { checkLifecycle, checkPolicy, type ResumePolicy } from "../state.ts";
import { type Lineage, lineageHeader, lineageOf } from "./lineage.ts";
import { SessionManagerError } from "./session-manager-error.ts";

// What the manager writes into a journal: one byte of version, the length of a header in four bytes (big endian), the
// header as JSON, and then the bytes of the application, which nobody here looks into.

const VERSION = 1;
const HEAD_BYTES = 5;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** That the owner let the session go, and to whom; to anybody where nobody is named. */
export interface Release {
  readonly to?: string | undefined;
}

/** One record of a journal. A release is none of the model's entries: it changes nothing but who may come next. */
export type StoredRecord =
  | { readonly kind: "entry"; readonly atMs: number; readonly entry: JournalEntry; readonly payload: Uint8Array }
  | { readonly kind: "release"; readonly atMs: number; readonly release: Release };

/** What a snapshot says of its numbers. */
export interface SnapshotOrigin {
  /** The first number of the reign that made it, or of its present part. */
  readonly from: number;
  /** What was before. */
  readonly lineage: Lineage;
  /** How many entries were missing at worst when the reign began, as long as no reconnect has reported it. */
  readonly unreported: number;
}

/** A snapshot, with what a session keeps from the node that made it. */
export interface StoredSnapshot extends SnapshotOrigin {
  readonly snapshot: Snapshot;
  /** As the writer of the snapshot had it: what a crash of that writer may have lost. */
  readonly backend: PersistenceBackend;
  readonly resumePolicy: ResumePolicy;
  readonly continuitySloMs: number;
  readonly maxDataLossEvents: number;
  readonly release?: Release | undefined;
  readonly payload: Uint8Array;
}

/** @throws SessionError for what `decodeRecord` would not read. */
export function encodeRecord(record: StoredRecord): Uint8Array {
  const atMs = checkMs("atMs", record.atMs);
  switch (record.kind) {
    case "entry":
      return framed({ atMs, entry: record.entry }, record.payload);
    case "release":
      return framed({ atMs, release: releaseHeader(record.release) }, new Uint8Array());
    default:
      return record satisfies never;
  }
}

/** @throws SessionManagerError `unreadable`. */
export function decodeRecord(bytes: Uint8Array, where: string): StoredRecord {
  return decoded(bytes, where, (header, payload) => {
    const atMs = checkMs("atMs", header["atMs"] as number);
    if (header["release"] !== undefined) return { kind: "release", atMs, release: releaseOf(header["release"]) };
    return { kind: "entry", atMs, entry: checkEntry(objectOf(header["entry"]) as unknown as JournalEntry), payload };
  });
}

/** The same session and payload always give the same bytes, so that a repeated write changes nothing. */
export function encodeSnapshot(
  session: DurableSession,
  origin: SnapshotOrigin,
  payload: Uint8Array,
  release?: Release,
): Uint8Array {
  const { snapshot, backend, resumePolicy, continuitySloMs, maxDataLossEvents } = session;
  const header = {
    snapshot: { ...snapshot, checkpointEpoch: String(snapshot.checkpointEpoch) },
    ...{ backend, resumePolicy, continuitySloMs, maxDataLossEvents },
    ...{ from: origin.from, lineage: lineageHeader(origin.lineage), unreported: origin.unreported },
    ...(release === undefined ? {} : { release: releaseHeader(release) }),
  };
  return framed(header, payload);
}

/** @throws SessionManagerError `unreadable`. */
export function decodeSnapshot(bytes: Uint8Array, sessionId: string, where: string): StoredSnapshot {
  return decoded(bytes, where, (header, payload) => {
    const stored = objectOf(header["snapshot"]);
    if (stored["sessionId"] !== sessionId)
      throw new TypeError(`it is of session ${JSON.stringify(stored["sessionId"])}`);
    const snapshot: Snapshot = Object.freeze({
      sessionId: checkId("the session id", sessionId),
      route: checkText("the route", stored["route"] as string),
      counter: checkCounter(stored["counter"] as number),
      lifecycle: checkLifecycle(stored["lifecycle"] as Snapshot["lifecycle"]),
      checkpointEpoch: checkEpoch("checkpointEpoch", BigInt(String(stored["checkpointEpoch"])), 1n),
      checkpointMs: checkMs("checkpointMs", stored["checkpointMs"] as number),
    });
    return Object.freeze({
      snapshot,
      backend: checkBackend(objectOf(header["backend"]) as unknown as PersistenceBackend),
      resumePolicy: checkPolicy(header["resumePolicy"] as ResumePolicy),
      ...checkBudgets({
        continuitySloMs: header["continuitySloMs"] as number,
        maxDataLossEvents: header["maxDataLossEvents"] as number,
      }),
      from: checkInteger("from", header["from"] as number, 0, Number.MAX_SAFE_INTEGER),
      lineage: lineageOf(header["lineage"]),
      unreported: checkInteger("unreported", header["unreported"] as number, 0, Number.MAX_SAFE_INTEGER),
      ...(header["release"] === undefined ? {} : { release: releaseOf(header["release"]) }),
      payload,
    });
  });
}

function framed(header: object, payload: Uint8Array): Uint8Array {
  const text = encoder.encode(JSON.stringify(header));
  const bytes = new Uint8Array(HEAD_BYTES + text.length + payload.length);
  bytes[0] = VERSION;
  new DataView(bytes.buffer).setUint32(1, text.length);
  bytes.set(text, HEAD_BYTES);
  bytes.set(payload, HEAD_BYTES + text.length);
  return bytes;
}

function decoded<T>(
  bytes: Uint8Array,
  where: string,
  read: (header: Record<string, unknown>, payload: Uint8Array) => T,
): T {
  try {
    if (bytes.length < HEAD_BYTES) throw new TypeError(`it has ${bytes.length} bytes`);
    if (bytes[0] !== VERSION) throw new TypeError(`its version is ${bytes[0]}, and this package reads ${VERSION}`);
    const end = HEAD_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    if (end > bytes.length) throw new TypeError(`its header ends at ${end}, and it has ${bytes.length} bytes`);
    const header = objectOf(JSON.parse(decoder.decode(bytes.subarray(HEAD_BYTES, end))));
    return read(header, Uint8Array.from(bytes.subarray(end)));
  } catch (cause) {
    throw unreadable(where, cause);
  }
}

/** That stored bytes are not what a manager wrote, or not what the application understands. */
export function unreadable(where: string, cause: unknown): SessionManagerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SessionManagerError("unreadable", `${where} cannot be read: ${why}`, { cause });
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new TypeError(`expected an object, got ${JSON.stringify(value)}`);
}

function releaseHeader({ to }: Release): object {
  return { to: to === undefined ? null : checkId("the successor", to) };
}

function releaseOf(value: unknown): Release {
  const { to } = objectOf(value);
  return to === null ? {} : { to: checkId("the successor", to as string) };
}
