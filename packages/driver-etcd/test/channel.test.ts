// SPDX-License-Identifier: Apache-2.0
import { constants, createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EtcdChannel } from "../src/client/channel.ts";
import { LEASE_KEEP_ALIVE, TXN } from "../src/wire/methods.ts";

/** Refuses every stream, which HTTP/2 lets a client take for "not processed: send it again". */
let server: Http2Server;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer();
  server.on("stream", (stream, headers) => {
    asked.push(String(headers[":path"]));
    stream.on("error", () => {});
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
});

describe("a call", () => {
  const open = (): EtcdChannel =>
    new EtcdChannel({ address: `127.0.0.1:${(server.address() as AddressInfo).port}`, secure: false }, undefined);

  it("is sent once, whatever gRPC may think of sending it again", async () => {
    const channel = open();
    const call = { timeoutMs: 2_000, token: undefined };
    const empty = { compare: [], success: [], failure: [] };
    await expect(channel.unary(TXN, empty, call)).rejects.toMatchObject({ name: "RpcFailure" });
    expect(asked).toEqual([TXN.path]);
    await expect(channel.keepAlive(1n, call)).rejects.toMatchObject({ name: "RpcFailure" });
    expect(asked).toEqual([TXN.path, LEASE_KEEP_ALIVE.path]);
    channel.close();
  });
});
