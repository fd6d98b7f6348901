// SPDX-License-Identifier: Apache-2.0
import { crc32 } from "node:zlib";
import { ByteReader, ByteWriter, DecodeError } from "./bytes.ts";

/** What begins a file or block: four letters and a version. */
export interface SealedKind {
  readonly magic: string;
  readonly version: number;
}

const HEAD_BYTES = 8;
const CRC_BYTES = 4;

/** A block that begins with its kind and ends with the CRC-32 of everything before; `size` pads it with zeros. */
export function seal(
  kind: SealedKind,
  bodyBytes: number,
  write: (writer: ByteWriter) => void,
  size?: number,
): Uint8Array {
  const total = size ?? HEAD_BYTES + bodyBytes + CRC_BYTES;
  const writer = new ByteWriter(total);
  writer.bytes(Buffer.from(kind.magic, "latin1")).u32(kind.version);
  write(writer);
  if (size !== undefined) writer.skipTo(total - CRC_BYTES);
  writer.u32(crc32(writer.finish()));
  return writer.finish();
}

/**
 * The body of a sealed block.
 *
 * @throws DecodeError for another kind, another version or a wrong checksum.
 */
export function unseal(kind: SealedKind, bytes: Uint8Array): ByteReader {
  if (bytes.length < HEAD_BYTES + CRC_BYTES) {
    throw new DecodeError(`expected at least ${HEAD_BYTES + CRC_BYTES} bytes, found ${bytes.length}`);
  }
  const crcAt = bytes.length - CRC_BYTES;
  const stored = sealOf(bytes);
  const computed = crc32(bytes.subarray(0, crcAt));
  if (stored !== computed) throw new DecodeError(`expected checksum ${hex(computed)}, found ${hex(stored)}`);
  const reader = new ByteReader(bytes.subarray(0, crcAt));
  const magic = Buffer.from(reader.bytes(4)).toString("latin1");
  if (magic !== kind.magic)
    throw new DecodeError(`expected "${kind.magic}" at the start, found ${JSON.stringify(magic)}`);
  const version = reader.u32();
  if (version !== kind.version) throw new DecodeError(`expected format version ${kind.version}, found ${version}`);
  return reader;
}

/** The checksum at the end of a sealed block. */
export function sealOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset + bytes.length - CRC_BYTES).getUint32(0, true);
}

/** A checksum as messages show it. */
export function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, "0")}`;
}
