// SPDX-License-Identifier: Apache-2.0
import { DESCRIPTOR_SET_BASE64 } from "./gen/descriptor-set.ts";

/** All files of the protocol as an encoded `google.protobuf.FileDescriptorSet`, for server reflection. A fresh copy. */
export function descriptorSet(): Uint8Array {
  return Uint8Array.from(Buffer.from(DESCRIPTOR_SET_BASE64, "base64"));
}
