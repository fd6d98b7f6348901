// SPDX-License-Identifier: Apache-2.0
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type Http2Session } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { credentials } from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { guardedMetrics } from "../src/client-metrics.ts";
import { Connection } from "../src/connection.ts";
import { ConnectionPool } from "../src/connection-pool.ts";
import { StreamSession } from "../src/stream-session.ts";
import { targetOf } from "../src/target.ts";

const configured = targetOf("127.0.0.1:1", false);

describe("connection pool", () => {
  it("keeps one connection for each target, and dials none", () => {
    const pool = new ConnectionPool([configured], undefined, guardedMetrics(undefined));
    const connection = pool.get(configured);
    expect(pool.get(targetOf("127.0.0.1:1", false))).toBe(connection);
    expect(connection.session).toBeUndefined();
    expect(connection.calls.ready).toBe(false);
    pool.close();
    expect(pool.get(configured)).not.toBe(connection);
    pool.close();
  });

  it("evicts a connection only while it is the present one", () => {
    const pool = new ConnectionPool([configured], undefined, guardedMetrics(undefined));
    const stale = pool.get(configured);
    pool.evict(stale);
    const fresh = pool.get(configured);
    expect(fresh).not.toBe(stale);
    // A call that had used the first one fails late.
    pool.evict(stale);
    expect(pool.get(configured)).toBe(fresh);
    pool.close();
  });

  it("drops the oldest of the servers that only hints have named, and never a configured one", () => {
    const pool = new ConnectionPool([configured], undefined, guardedMetrics(undefined));
    const kept = pool.get(configured);
    const hinted = Array.from({ length: 40 }, (_, index) => targetOf(`127.0.0.1:${1000 + index}`, false));
    const connections = hinted.map((target) => pool.get(target));
    expect(pool.get(configured)).toBe(kept);
    expect(pool.get(hinted[39] as (typeof hinted)[0])).toBe(connections[39]);
    expect(pool.get(hinted[0] as (typeof hinted)[0])).not.toBe(connections[0]);
    pool.close();
  });
});

describe("connection", () => {
  it("leaves no session open when it is closed in the turn in which its dial succeeds", async () => {
    const server = createServer();
    const sessions: Http2Session[] = [];
    server.on("session", (session) => sessions.push(session));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const target = targetOf(`127.0.0.1:${(server.address() as AddressInfo).port}`, false);
    const connection = new Connection({
      target,
      tls: undefined,
      credentials: credentials.createInsecure(),
      metrics: guardedMetrics(undefined),
    });
    const dial = StreamSession.connect.bind(StreamSession);
    const spy = vi.spyOn(StreamSession, "connect").mockImplementation((...args) => {
      const connecting = dial(...args);
      // This listener runs before that of the connection, which has not been told yet.
      void connecting.then(() => connection.close());
      return connecting;
    });
    const failure = await connection.dialSession(10_000);
    spy.mockRestore();
    expect(failure?.message).toBe("the connection was closed");
    expect(connection.session).toBeUndefined();
    await expect.poll(() => sessions.length > 0 && sessions.every(({ destroyed }) => destroyed)).toBe(true);
    server.close();
    await once(server, "close");
  });

  it("says that it was closed, and not that time ran out, to who was dialling", async () => {
    const target = targetOf("127.0.0.1:1", false);
    const connection = new Connection({
      target,
      tls: undefined,
      credentials: credentials.createInsecure(),
      metrics: guardedMetrics(undefined),
    });
    const dialling = connection.dialSession(10_000);
    connection.close();
    expect((await dialling)?.message).toBe("the connection was closed");
  });

  it("closes the socket of a session that the server is leaving, whatever the server does", async () => {
    const frame = (type: number, ...payload: number[]): Buffer =>
      Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, 0, ...payload]);
    const settings = frame(4);
    const goaway = frame(7, 0, 0, 0, 1, 0, 0, 0, 0);
    const sockets: Socket[] = [];
    // It never ends its side.
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.resume();
      socket.write(settings);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const target = targetOf(`127.0.0.1:${(server.address() as AddressInfo).port}`, false);
    let dialled: Socket | undefined;
    const onSocket = (message: unknown): void => {
      dialled = (message as { socket: Socket }).socket;
    };
    subscribe("net.client.socket", onSocket);
    const session = await StreamSession.connect(target, undefined, AbortSignal.timeout(10_000));
    unsubscribe("net.client.socket", onSocket);
    const stream = session.open("/any/Method", { message: () => {}, ended: () => {} });
    for (const socket of sockets) socket.write(goaway);
    await expect.poll(() => session.usable).toBe(false);
    stream.cancel();
    session.close();
    await expect.poll(() => dialled?.destroyed).toBe(true);
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
});
