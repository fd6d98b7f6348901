// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type TenureTerms } from "@tsoracle/consensus";
import { type Epoch, isPhysicalMs, type PeerEndpoint, type PhysicalMs, parsePeerEndpoint } from "@tsoracle/core";
import type { Freshness } from "./capabilities.ts";

/** What `P hw` holds. */
export interface HighWaterRecord {
  readonly highWater: PhysicalMs;
  /** Of the reign that wrote it last; zero before the first. */
  readonly epoch: bigint;
}

/** What `P oracle` holds: made once, the same for all servers. */
export interface SettingsRecord {
  readonly freshness: Freshness;
  readonly terms: TenureTerms;
  /** Of the cluster that the oracle was made in, or adopted by `fast-forward` (G2). */
  readonly clusterId: bigint;
}

/** What `P reign` holds. */
export interface ReignRecord {
  readonly epoch: bigint;
  /** The reign stopped granting, in good order and after its own wait was over. */
  readonly clean: boolean;
  readonly advertise: string;
}

/** What a candidate says of itself. */
export interface Identity {
  readonly nodeId: string;
  readonly advertise: string;
  /** Of this opening of the driver. */
  readonly incarnation: string;
}

const FORMAT = 1;
const PPM = 1_000_000;
const utf8 = new TextEncoder();

/** Eight bytes, most significant first: byte order equals numeric order, which T4 relies on. */
export function be64(value: bigint | number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** @throws ConsensusError `permanent` unless there are exactly eight bytes */
export function readBe64(bytes: Uint8Array, what: string): bigint {
  if (bytes.length !== 8) throw malformed(what, `${bytes.length} bytes`);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}

export function encodeHighWater(highWater: number, epoch: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(be64(highWater));
  bytes.set(be64(epoch), 8);
  return bytes;
}

/** @throws ConsensusError `permanent` for a value that this driver did not write */
export function decodeHighWater(bytes: Uint8Array): HighWaterRecord {
  if (bytes.length !== 16) throw malformed("the high-water", `${bytes.length} bytes where 16 are expected`);
  const highWater = Number(readBe64(bytes.subarray(0, 8), "the high-water"));
  if (!isPhysicalMs(highWater)) throw malformed("the high-water", `a value above 46 bits, ${highWater}`);
  return { highWater, epoch: readBe64(bytes.subarray(8), "the high-water") };
}

export function encodeSettings({ freshness, terms, clusterId }: SettingsRecord): Uint8Array {
  return encodeJson({
    format: FORMAT,
    freshness,
    tenureMs: terms.tenureMs,
    driftPpm: Math.round(terms.drift * PPM),
    clusterId: clusterId.toString(16),
  });
}

/** @throws ConsensusError `permanent` */
export function decodeSettings(bytes: Uint8Array): SettingsRecord {
  const what = "the settings of the oracle";
  const { format, freshness, tenureMs, driftPpm, clusterId: text } = decodeJson(bytes, what);
  if (format !== FORMAT) throw malformed(what, `format ${String(format)}; this release knows ${FORMAT}`);
  if (freshness !== "lease" && freshness !== "confirm") throw malformed(what, `freshness ${String(freshness)}`);
  if (!Number.isSafeInteger(tenureMs) || !Number.isSafeInteger(driftPpm)) throw malformed(what, "no tenure");
  const clusterId = readClusterId(text);
  if (clusterId === undefined) throw malformed(what, `cluster id ${JSON.stringify(text)}`);
  return {
    freshness,
    terms: { tenureMs: tenureMs as number, drift: (driftPpm as number) / PPM },
    clusterId,
  };
}

export function encodeReign({ epoch, clean, advertise }: ReignRecord): Uint8Array {
  return encodeJson({ epoch: epoch.toString(), clean, advertise });
}

/** @throws ConsensusError `permanent` */
export function decodeReign(bytes: Uint8Array): ReignRecord {
  const what = "the last reign";
  const { epoch, clean, advertise } = decodeJson(bytes, what);
  if (typeof epoch !== "string" || !/^[0-9]{1,19}$/.test(epoch)) throw malformed(what, `epoch ${String(epoch)}`);
  if (typeof clean !== "boolean" || typeof advertise !== "string") throw malformed(what, "a field that is missing");
  return { epoch: BigInt(epoch), clean, advertise };
}

export function encodeIdentity({ nodeId, advertise, incarnation }: Identity): Uint8Array {
  return encodeJson({ node_id: nodeId, advertise, incarnation });
}

/** Where a candidate says that clients reach it; undefined if that is nothing to tell clients. */
export function advertisedBy(bytes: Uint8Array): PeerEndpoint | undefined {
  try {
    return readEndpoint(decodeJson(bytes, "a candidate")["advertise"]);
  } catch {
    return undefined;
  }
}

const MAX_ENDPOINT = 255;

/** An endpoint as writer and reader both accept it; anything else is no hint. */
export function readEndpoint(text: unknown): PeerEndpoint | undefined {
  if (typeof text !== "string" || text.length > MAX_ENDPOINT || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const parsed = parsePeerEndpoint(text);
  return parsed.ok ? parsed.endpoint : undefined;
}

/** A cluster id as etcd shows it, in hexadecimal; undefined if it is none. */
export function readClusterId(text: unknown): bigint | undefined {
  return typeof text === "string" && /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** An epoch as the contract has it: a create revision is positive and fits 63 bits. */
export function asEpoch(createRevision: bigint): Epoch {
  return createRevision as Epoch;
}

function encodeJson(value: object): Uint8Array {
  return utf8.encode(JSON.stringify(value));
}

function decodeJson(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw malformed(what, "something that is no JSON object");
}

function malformed(what: string, found: string): ConsensusError {
  return new ConsensusError(
    "permanent",
    `${what} is not what this driver writes: found ${found}. Something else writes under the prefix of this oracle`,
  );
}
