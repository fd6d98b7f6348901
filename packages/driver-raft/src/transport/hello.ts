// SPDX-License-Identifier: Apache-2.0
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FieldWriter, MOST_IDS, readNumber, tooMany, WireError } from "./wire.ts";

/** The versions of the peer protocol that this package speaks. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;

/** The disk of a first member. */
export interface FirstDisk {
  readonly nodeId: number;
  readonly storageId: string;
}

/** Who a node says it is, before anything else is said on a stream (X2, I3). */
export interface Hello {
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly clusterId: string;
  /** Digest of the list of first members, or empty for a node that joined later. */
  readonly genesis: string;
  readonly nodeId: number;
  readonly storageId: string;
  /** Raised durably with each start. */
  readonly bootCount: number;
  /** Random for each start: tells two processes on copies of one directory apart (I4). */
  readonly incarnation: string;
  /** What leases are computed from; nodes that differ in it cannot trust each other's clocks. */
  readonly timing: string;
  /** Whom the sender believes to speak to; 0 in an answer. */
  readonly to: number;
  /** Where the sender is reached, as the list of members says; empty while it is not in its own list. */
  readonly peerEndpoint: string;
  /** What the newest refusal of this node by that peer asked to be repeated, or empty. It proves that the sender lived after that refusal. */
  readonly echo: string;
  /** Of the other first members: the disks that the sender has recorded durably. Each of them is recorded once and for all. */
  readonly recorded: readonly FirstDisk[];
  /** The sender takes part: all first members have named the disks that it names. */
  readonly complete: boolean;
  /** The disk that the sender's applied state names for whom it speaks to, or empty. */
  readonly yourDisk: string;
}

/** Why a Hello is refused. */
export type RefusalReason =
  | "protocol"
  | "cluster"
  | "genesis"
  | "timing"
  | "recipient"
  | "sender"
  | "storage_replaced"
  | "cloned"
  | "removed"
  | "busy"
  | "stale";

export interface Refusal {
  readonly reason: RefusalReason;
  /** For the operator of the node that is refused. */
  readonly message: string;
  /** What the next Hello must repeat to show that its sender lives, and did not only speak once, long ago. */
  readonly challenge?: string;
  /** The disk of the node that refuses. */
  readonly storageId?: string;
}

/**
 * Whether a refusal is the end of the node that is refused, since no later attempt can mend it. A wrong cluster is none,
 * because it may be the address that is wrong. Nor is what an old directory says that was left over from another life of
 * the cluster: a node is `isEstablished` when it takes part as a first member, or when the applied state names its disk;
 * then the node with the `disk` that is known of the one that refuses cannot take it for a replaced one, and another disk
 * in its place is a leftover. Whoever is unknown is believed: a list of first members that were all formatted again
 * may take part among themselves, and those that joined the real cluster know better. And who says that a member was
 * removed must be the node with the `disk` that is known of it.
 */
export function isFatalRefusal(
  { reason, storageId }: Pick<Refusal, "reason" | "storageId">,
  { isEstablished, disk }: { readonly isEstablished: boolean; readonly disk: string | undefined },
): boolean {
  switch (reason) {
    case "cloned":
      return true;
    case "storage_replaced":
      return !(isEstablished && disk !== undefined && disk !== storageId);
    case "removed":
      return disk !== undefined && disk === storageId;
    default:
      return false;
  }
}

/** Reasons that go by themselves after a restart; they are no news for the operator. */
export function isPassing(reason: RefusalReason): boolean {
  return reason === "busy" || reason === "stale";
}

const REASONS: readonly RefusalReason[] = [
  "protocol",
  "cluster",
  "genesis",
  "timing",
  "recipient",
  "sender",
  "storage_replaced",
  "cloned",
  "removed",
  "busy",
  "stale",
];

export function isRefusalReason(text: string): text is RefusalReason {
  return (REASONS as readonly string[]).includes(text);
}

export function encodeHello(hello: Hello): Uint8Array {
  return new FieldWriter()
    .number(1, hello.protocolMin)
    .number(2, hello.protocolMax)
    .text(3, hello.clusterId)
    .text(4, hello.genesis)
    .number(5, hello.nodeId)
    .text(6, hello.storageId)
    .number(7, hello.bootCount)
    .text(8, hello.incarnation)
    .number(9, hello.to)
    .text(10, hello.timing)
    .text(11, hello.peerEndpoint)
    .text(12, hello.echo)
    .messages(13, hello.recorded.map(encodeDisk))
    .bool(14, hello.complete)
    .text(15, hello.yourDisk)
    .finish();
}

function encodeDisk({ nodeId, storageId }: FirstDisk): Uint8Array {
  return new FieldWriter().number(1, nodeId).text(2, storageId).finish();
}

/** Far more than any text of a Hello has. A peer is remembered by what it says, and a frame may be large. */
const MOST_TEXT_BYTES = 4_096;
const decoder = new TextDecoder();

/** Unknown fields are passed over. @throws WireError */
export function decodeHello(bytes: Uint8Array): Hello {
  try {
    return readHello(new BinaryReader(bytes));
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError("expected the Hello of a peer", { cause: error });
  }
}

function readText(reader: BinaryReader, what: string): string {
  const bytes = reader.bytes();
  if (bytes.length <= MOST_TEXT_BYTES) return decoder.decode(bytes);
  throw new WireError(`${what}: expected a text of at most ${MOST_TEXT_BYTES} bytes, got ${bytes.length}`);
}

function readDisk(reader: BinaryReader): FirstDisk {
  const inner = new BinaryReader(reader.bytes());
  let [nodeId, storageId] = [0, ""];
  while (inner.pos < inner.len) {
    const [field, wire] = inner.tag();
    if (field === 1) nodeId = readNumber(inner, "id of a first member");
    else if (field === 2) storageId = readText(inner, "disk of a first member");
    else inner.skip(wire);
  }
  if (isStorageId(storageId)) return { nodeId, storageId };
  throw new WireError(`disk of first member ${nodeId}: expected a storage id, got ${JSON.stringify(storageId)}`);
}

/** What is recorded of a peer must be what a node could be formatted with. */
export function isStorageId(text: string): boolean {
  return /^[\x21-\x7e]{1,64}$/.test(text);
}

function readHello(reader: BinaryReader): Hello {
  const numbers = new Map<number, number>();
  const texts = new Map<number, string>();
  const recorded: FirstDisk[] = [];
  let complete = false;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if ([1, 2, 5, 7, 9].includes(field)) numbers.set(field, readNumber(reader, `Hello field ${field}`));
    else if ([3, 4, 6, 8, 10, 11, 12, 15].includes(field)) texts.set(field, readText(reader, `Hello field ${field}`));
    else if (field === 13) recorded.push(readDisk(reader));
    else if (field === 14) complete = reader.bool();
    else reader.skip(wire);
    if (recorded.length > MOST_IDS) throw tooMany("disks of first members");
  }
  return {
    protocolMin: numbers.get(1) ?? 0,
    protocolMax: numbers.get(2) ?? 0,
    clusterId: texts.get(3) ?? "",
    genesis: texts.get(4) ?? "",
    nodeId: numbers.get(5) ?? 0,
    storageId: texts.get(6) ?? "",
    bootCount: numbers.get(7) ?? 0,
    incarnation: texts.get(8) ?? "",
    to: numbers.get(9) ?? 0,
    timing: texts.get(10) ?? "",
    peerEndpoint: texts.get(11) ?? "",
    echo: texts.get(12) ?? "",
    recorded,
    complete,
    yourDisk: texts.get(15) ?? "",
  };
}
