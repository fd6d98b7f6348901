// SPDX-License-Identifier: Apache-2.0

/** gRPC puts a flag byte and a 32-bit big-endian length before each message. */
const PREFIX_BYTES = 5;

/** Longest message that is accepted from a server. Timestamp answers need less than a hundred bytes. */
export const MAX_MESSAGE_BYTES = 65_536;

/** One message as it goes over the stream, uncompressed. */
export function frameMessage(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** The bytes cannot be the beginning of an acceptable message; nothing after them can be trusted. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

/** Cuts received chunks into messages, however they were split on the way. Keeps at most one incomplete message. */
export class MessageReader {
  #rest: Buffer | undefined;

  /**
   * Hands over the messages that this chunk completes, in order.
   *
   * @throws FramingError for a compressed message, which was not asked for, or one that is too long.
   */
  read(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= PREFIX_BYTES) {
      if (bytes[0] !== 0) throw new FramingError("expected an uncompressed message");
      const length = bytes.readUInt32BE(1);
      if (length > MAX_MESSAGE_BYTES) {
        throw new FramingError(`expected a message of at most ${MAX_MESSAGE_BYTES} bytes, one of ${length} came`);
      }
      if (bytes.length < PREFIX_BYTES + length) break;
      const end = PREFIX_BYTES + length;
      const isLast = end === bytes.length;
      onMessage(bytes.subarray(PREFIX_BYTES, end));
      if (isLast) {
        this.#rest = undefined;
        return;
      }
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes.length === 0 ? undefined : bytes;
  }
}
