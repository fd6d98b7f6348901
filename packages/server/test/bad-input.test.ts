// SPDX-License-Identifier: Apache-2.0
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { HOT_GET_TS } from "@tsoracle/proto";
import { describe, expect, it } from "vitest";
import { type BoundAddress, createServer, type ServerLimits, type TsoServer } from "../src/index.ts";
import { becomes, refusal, sequenceReads, tso, WireClient } from "./support/wire.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

async function serving(limits: Partial<ServerLimits> = {}): Promise<{ server: TsoServer; address: BoundAddress }> {
  const driver = openMemoryDriver();
  const server = createServer({ driver, acceptDataLoss: true, limits, shutdownGraceMs: 100 });
  const address = await server.listen("127.0.0.1:0");
  await becomes(server, "serving");
  return { server, address };
}

function raw(address: BoundAddress, ...chunks: (string | Buffer)[]): { socket: Socket; closed: Promise<unknown> } {
  const socket = connect({ host: address.host, port: address.port });
  socket.on("error", () => undefined);
  socket.resume();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.once("connect", () => {
    for (const chunk of chunks) socket.write(chunk);
  });
  return { socket, closed };
}

/** One gRPC call made of raw bytes; resolves to its status. */
function rawCall(session: ClientHttp2Session, body: Buffer, path: string = HOT_GET_TS.path): Promise<string> {
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const request = session.request(headers);
  return new Promise((resolve, reject) => {
    request.on("response", (answer) => {
      if (answer["grpc-status"] !== undefined) resolve(String(answer["grpc-status"]));
    });
    request.on("trailers", (trailers) => resolve(String(trailers["grpc-status"])));
    request.on("error", reject);
    request.resume();
    request.end(body);
  });
}

const framed = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

describe("bad input on the port", () => {
  it.each([
    ["a web request", ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"]],
    ["random bytes", [Buffer.from("d8a1ff00c3".repeat(20), "hex")]],
    ["a preface with a wrong end", ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"]],
    ["a preface and then garbage", [PREFACE, Buffer.alloc(4_096, 0xff)]],
    [
      "a frame larger than allowed",
      [PREFACE, SETTINGS, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]), Buffer.alloc(64)],
    ],
    ["nothing", []],
    ["half a preface", [PREFACE.slice(0, 10)]],
  ])("costs only its own connection: %s", async (_what, chunks) => {
    const { server, address } = await serving({
      handshakeTimeoutMs: 100,
      keepaliveIntervalMs: 100,
      keepaliveTimeoutMs: 100,
    });
    await using _ = server;
    using other = new WireClient(address);
    const before = await other.getTs();
    await raw(address, ...chunks).closed;
    const after = await other.getTs();
    expect(after.physicalMs).toBeGreaterThanOrEqual(before.physicalMs);
  });

  it("takes a preface that comes in pieces", async () => {
    const { server, address } = await serving();
    await using _ = server;
    const { socket, closed } = raw(address);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.setNoDelay(true);
    const answered = new Promise((resolve) => socket.once("data", resolve));
    for (const byte of Buffer.concat([Buffer.from(PREFACE), SETTINGS])) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }
    await answered;
    socket.destroy();
    await closed;
  });

  it("closes a connection that does not answer pings", async () => {
    const { server, address } = await serving({ keepaliveIntervalMs: 30, keepaliveTimeoutMs: 30 });
    await using _ = server;
    await raw(address, PREFACE, SETTINGS).closed;
    using other = new WireClient(address);
    expect((await other.getTs()).count).toBe(1);
  });

  it("closes a connection that makes no calls", async () => {
    const { server, address } = await serving({ idleTimeoutMs: 50 });
    await using _ = server;
    const session = connectHttp2(`http://${address}`);
    await new Promise((resolve) => session.once("close", resolve));
  });

  it("refuses connections beyond the limit and keeps those it has", async () => {
    const { server, address } = await serving({ maxConnections: 1 });
    await using _ = server;
    using first = new WireClient(address);
    await first.getTs();
    await raw(address, PREFACE).closed;
    expect((await first.getTs()).count).toBe(1);
  });

  it("refuses an oversize message and goes on serving the connection", async () => {
    const { server, address } = await serving();
    await using _ = server;
    using client = new WireClient(address);
    const key = "x".repeat(70_000);
    expect((await refusal(client.call(tso.getSeq, { key, count: 1 }))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await client.getTs()).count).toBe(1);
  });

  it("takes the largest request that its own limits allow", async () => {
    const { server, address } = await serving();
    await using _ = server;
    using client = new WireClient(address);
    const entries = Array.from({ length: 128 }, (_, index) => ({ key: `${index}`.padEnd(128, "k"), count: 65_536 }));
    expect((await client.call(tso.getSeqBatch, { entries })).grants).toHaveLength(128);
  });

  it("answers a sequence batch with what it has taken, although the answer is larger than the request", async () => {
    const { server, address } = await serving({ maxMessageBytes: 700 });
    await using _ = server;
    using client = new WireClient(address);
    const entries = Array.from({ length: 60 }, (_, index) => ({ key: `k${index}`, count: 60_000 }));
    for (let round = 0; round < 3; round += 1) {
      const { grants } = await client.call(tso.getSeqBatch, { entries });
      expect(grants.map(({ start }) => start)).toEqual(entries.map(() => BigInt(round * 60_000)));
    }
  });

  it("refuses sequence keys that are not UTF-8, so that no two of them share a counter", async () => {
    const { server, address } = await serving();
    await using _ = server;
    using client = new WireClient(address);
    const bytes = (request: Buffer): Buffer => request;
    const raw = { ...tso.getSeq, requestSerialize: bytes, requestDeserialize: bytes };
    for (const byte of [0xff, 0xfe]) {
      const refused = await refusal(client.call(raw, Buffer.from([0x0a, 1, byte, 0x10, 1])));
      expect(refused.code).toBe(status.INTERNAL);
    }
    // What they would both have become.
    expect((await client.call(sequenceReads.loadSeq, { key: "\ufffd" })).next).toBe(0n);
    expect((await client.call(tso.getSeq, { key: "\ufeffkey", count: 5 })).key).toBe("\ufeffkey");
    expect((await client.call(tso.getSeq, { key: "key", count: 1 })).start).toBe(0n);
  });

  it("gives each malformed call its own status and the next call its answer", async () => {
    const { server, address } = await serving();
    await using _ = server;
    const session = connectHttp2(`http://${address}`);
    const internal = String(status.INTERNAL);
    // A field that is cut off, a length that lies, an unknown method, a message that is cut off.
    expect(await rawCall(session, framed(Buffer.from([0x08])))).toBe(internal);
    expect(await rawCall(session, framed(Buffer.from([0x12, 0x7f, 0x00])))).toBe(internal);
    expect(await rawCall(session, framed(Buffer.of(8, 1)), "/tsoracle.v1.TsoService/Nothing")).toBe(
      String(status.UNIMPLEMENTED),
    );
    expect(await rawCall(session, Buffer.from([0, 0, 0, 0, 9, 8]))).not.toBe("0");
    expect(await rawCall(session, framed(Buffer.of(8, 1)))).toBe("0");
    session.destroy();
  });
});
