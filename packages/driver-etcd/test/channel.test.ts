// SPDX-License-Identifier: Apache-2.0
import { constants, createServer, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EtcdChannel } from "../src/client/channel.ts";
import { LEASE_KEEP_ALIVE, TXN, WATCH } from "../src/wire/methods.ts";

/** Refuses every stream, which HTTP/2 lets a client take for "not processed: send it again". */
let server: Http2Server;
let asked: IncomingHttpHeaders[] = [];
let pings = 0;
const paths = (): unknown => asked.map((headers) => headers[":path"]);

beforeAll(async () => {
  server = createServer();
  server.on("session", (session) => {
    session.on("ping", () => {
      pings += 1;
    });
  });
  server.on("stream", (stream, headers) => {
    asked.push(headers);
    stream.on("error", () => {});
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
});

beforeEach(() => {
  asked = [];
  pings = 0;
});

const open = (): EtcdChannel =>
  new EtcdChannel({ address: `127.0.0.1:${(server.address() as AddressInfo).port}`, secure: false }, undefined);
const call = { timeoutMs: 2_000, token: undefined };
const empty = { compare: [], success: [], failure: [] };

describe("a call", () => {
  it("is sent once, whatever gRPC may think of sending it again", async () => {
    const channel = open();
    await expect(channel.unary(TXN, empty, call)).rejects.toMatchObject({ name: "RpcFailure" });
    expect(paths()).toEqual([TXN.path]);
    await expect(channel.keepAlive(1n, call)).rejects.toMatchObject({ name: "RpcFailure" });
    expect(paths()).toEqual([TXN.path, LEASE_KEEP_ALIVE.path]);
    channel.close();
  });
});

describe("L5: a connection", () => {
  it("has keep-alives and watches end where their member has no leader", async () => {
    const channel = open();
    await expect(channel.keepAlive(1n, call)).rejects.toMatchObject({ name: "RpcFailure" });
    const watching = channel.watch({ create: { key: new Uint8Array([1]), startRevision: 1n, filters: [] } }, undefined);
    await new Promise((resolve) => watching.once("error", resolve));
    expect(asked.map((headers) => [headers[":path"], headers["hasleader"]])).toEqual([
      [LEASE_KEEP_ALIVE.path, "true"],
      [WATCH.path, "true"],
    ]);
    channel.close();
  });

  it("is asked whether it lives, also while there is no call", async () => {
    const channel = open();
    await expect(channel.unary(TXN, empty, call)).rejects.toMatchObject({ name: "RpcFailure" });
    await waitUntil("a ping on an idle connection", () => pings > 0);
    channel.close();
  });
});
