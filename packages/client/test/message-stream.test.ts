// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { frameMessage } from "../src/grpc-framing.ts";
import { StreamSession } from "../src/stream-session.ts";
import type { StreamStatus } from "../src/stream-status.ts";
import { targetOf } from "../src/target.ts";

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(onStream: (stream: ServerHttp2Stream) => void): Promise<{ server: Http2Server; port: number }> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    onStream(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push({
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
  return { server, port: (server.address() as AddressInfo).port };
}

interface Outcome {
  readonly messages: string[];
  readonly status: StreamStatus;
  readonly session: StreamSession;
}

/** Opens a stream, sends one message, and waits for the end. */
async function converse(port: number): Promise<Outcome> {
  const session = await StreamSession.connect(
    targetOf(`127.0.0.1:${port}`, false),
    undefined,
    AbortSignal.timeout(10_000),
  );
  servers.push(session);
  const messages: string[] = [];
  const status = await new Promise<StreamStatus>((resolve) => {
    const stream = session.open("/any/Method", {
      message: (bytes) => messages.push(bytes.toString("hex")),
      ended: resolve,
    });
    stream.write(frameMessage(Buffer.from([8, 1])));
  });
  return { messages, status, session };
}

const begin = { ":status": 200, "content-type": "application/grpc" };

describe("MessageStream", () => {
  it("delivers messages in order, then the status of the trailers", async () => {
    const { port } = await listen((stream) => {
      stream.respond(begin, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "9", "grpc-message": "not leader" }));
      stream.write(frameMessage(Buffer.from([1])));
      stream.end(Buffer.concat([frameMessage(Buffer.from([2])), frameMessage(Buffer.from([3]))]));
    });
    const { messages, status } = await converse(port);
    expect(messages).toEqual(["01", "02", "03"]);
    expect(status).toMatchObject({ status: 9, message: "not leader", hint: undefined });
  });

  it("takes a status in the headers for the whole answer", async () => {
    const { port } = await listen((stream) =>
      stream.respond({ ...begin, "grpc-status": "12", "tsoracle-leader-hint-bin": "" }, { endStream: true }),
    );
    const { status } = await converse(port);
    expect(status.status).toBe(12);
    expect(status.hint).toBeDefined();
  });

  it("reports a stream that ends well, or without a status, as unavailable: whoever waits was not answered", async () => {
    const well = await listen((stream) => stream.respond({ ...begin, "grpc-status": "0" }, { endStream: true }));
    expect((await converse(well.port)).status.status).toBe(14);
    const bare = await listen((stream) => {
      stream.respond(begin);
      stream.end();
    });
    expect((await converse(bare.port)).status.status).toBe(14);
  });

  it("refuses a web page", async () => {
    const { port } = await listen((stream) => {
      stream.respond({ ":status": 200, "content-type": "text/html" });
      stream.end("<html>".repeat(100_000));
    });
    const { status, messages } = await converse(port);
    expect(status).toMatchObject({ status: 2, message: expect.stringContaining("text/html") });
    expect(messages).toEqual([]);
  });

  it("ends on bytes that are no acceptable message, and looks at nothing after them", async () => {
    const { port } = await listen((stream) => {
      stream.respond(begin);
      stream.write(Buffer.concat([frameMessage(Buffer.from([1])), Buffer.from([1, 0, 0, 0, 0])]));
      stream.write(frameMessage(Buffer.from([2])));
    });
    const { status, messages } = await converse(port);
    expect(status.status).toBe(13);
    expect(messages).toEqual(["01"]);
  });

  it("is unavailable when the connection dies under it", async () => {
    const { port } = await listen((stream) => {
      stream.respond(begin);
      stream.session?.destroy();
    });
    const { status, session } = await converse(port);
    expect(status.status).toBe(14);
    expect(session.usable).toBe(false);
  });

  it("opens no further stream on a session that the server is leaving", async () => {
    const { port } = await listen((stream) => {
      stream.session?.goaway();
      stream.respond({ ...begin, "grpc-status": "14" }, { endStream: true });
    });
    const { session } = await converse(port);
    await expect.poll(() => session.usable).toBe(false);
  });
});

describe("StreamSession.connect", () => {
  it("rejects when nobody listens, with the reason", async () => {
    const placeholder = createTcpServer().listen(0, "127.0.0.1");
    await once(placeholder, "listening");
    const { port } = placeholder.address() as AddressInfo;
    placeholder.close();
    await once(placeholder, "close");
    await expect(
      StreamSession.connect(targetOf(`127.0.0.1:${port}`, false), undefined, AbortSignal.timeout(10_000)),
    ).rejects.toThrow("ECONNREFUSED");
  });

  it.each([
    ["an IPv6 address without brackets", "::1"],
    ["a host that no address of the web can hold", "no<such>host"],
  ])("rejects for %s, and leaves no error behind for the process", async (_what, host) => {
    // What is left behind would arrive as an uncaught exception, which fails the run.
    const target = targetOf(`${host}:1`, false);
    const failure = await StreamSession.connect(target, undefined, AbortSignal.timeout(10_000)).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    // Refused, or on a machine without IPv6 not available: either way the system has said so.
    expect(failure).toMatch(/^(ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EINVAL)$/);
  });

  it("is not begun for a signal that has aborted already", async () => {
    const server = createTcpServer(() => expect.unreachable("it was dialled"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    const target = targetOf(`127.0.0.1:${port}`, false);
    await expect(StreamSession.connect(target, undefined, AbortSignal.abort())).rejects.toThrow("in time");
  });

  it.each([
    ["talks something else", "SSH-2.0-nothing\r\n".repeat(20)],
    ["closes at once", ""],
  ])("rejects when the server %s", async (_what, greeting) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end(greeting);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    await expect(
      StreamSession.connect(targetOf(`127.0.0.1:${port}`, false), undefined, AbortSignal.timeout(10_000)),
    ).rejects.toThrow(Error);
  });

  it("rejects when the signal aborts while the server says nothing, and drops the connection", async () => {
    const server = createTcpServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    const connected = once(server, "connection");
    const abort = new AbortController();
    const { port } = server.address() as AddressInfo;
    const connecting = StreamSession.connect(targetOf(`127.0.0.1:${port}`, false), undefined, abort.signal);
    const [socket] = await connected;
    socket.resume();
    const closed = once(socket, "close");
    abort.abort();
    await expect(connecting).rejects.toThrow("no connection in time");
    await closed;
  });
});
