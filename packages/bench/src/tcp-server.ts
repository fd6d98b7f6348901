// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Allocator, EPOCH_ZERO, MAX_PHYSICAL_MS, PHYSICAL_MS_ZERO } from "@tsoracle/core";
import { decodeGetTsRequest, encodeGetTsResponse } from "@tsoracle/proto";
import { FrameReader, frame } from "./tcp-protocol.ts";

/** Serves timestamps from memory over bare TCP; resolves to the port. The replies of one read are written together. */
export async function startTcpServer(): Promise<number> {
  const allocator = new Allocator();
  allocator.becomeLeader({ fenceFloor: PHYSICAL_MS_ZERO, committedCeiling: MAX_PHYSICAL_MS, epoch: EPOCH_ZERO });
  const server = createServer((socket) => {
    const reader = new FrameReader();
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      const nowMs = Date.now();
      socket.cork();
      for (const payload of reader.read(chunk)) {
        const result = allocator.tryGrant(nowMs, decodeGetTsRequest(payload));
        if (!result.ok) throw new Error(`the baseline cannot grant: ${result.reason}`);
        const { physicalMs, logicalStart, count, epoch } = result.grant;
        socket.write(frame(encodeGetTsResponse({ physicalMs, logicalStart, count, epoch })));
      }
      socket.uncork();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
