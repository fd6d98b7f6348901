// SPDX-License-Identifier: Apache-2.0
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Message } from "../raft/types.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { FieldWriter, WireError } from "./wire.ts";

/** One gRPC message of a peer stream: the Hello comes first in both directions, Raft messages only from the caller. */
export type Frame =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "message"; readonly message: Message };

export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case "hello":
      return new FieldWriter().message(1, encodeHello(frame.hello)).finish();
    case "message":
      return new FieldWriter().message(2, encodeMessage(frame.message)).finish();
    default:
      return frame satisfies never;
  }
}

/** @throws WireError unless it holds a Hello or a message. Other fields are passed over. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new BinaryReader(bytes);
  let frame: Frame | undefined;
  try {
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      if (field === 1) frame = { kind: "hello", hello: decodeHello(reader.bytes()) };
      else if (field === 2) frame = { kind: "message", message: decodeMessage(reader.bytes()) };
      else reader.skip(wire);
    }
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError("expected a whole frame of a peer stream", { cause: error });
  }
  if (frame === undefined) throw new WireError("expected a frame with a Hello or a message");
  return frame;
}
