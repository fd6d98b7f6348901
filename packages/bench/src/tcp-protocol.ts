// SPDX-License-Identifier: Apache-2.0

/**
 * The bare baseline: the same protobuf bytes as the oracle's hot call, each behind a four-byte
 * length, over one TCP connection, replies in order.
 */
export const FRAME_HEADER_BYTES = 4;

export function frame(payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUInt32BE(payload.length, 0);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** Splits received chunks into payloads; keeps an incomplete one for the next chunk. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Buffer> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + bytes.readUInt32BE(0);
      if (bytes.length < end) break;
      yield bytes.subarray(FRAME_HEADER_BYTES, end);
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
  }
}
