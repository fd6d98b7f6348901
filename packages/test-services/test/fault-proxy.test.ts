// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useRedis } from "../src/fixtures.ts";
import { FaultProxy } from "../src/proxy/fault-proxy.ts";
import { PIPE_BYTES_MAX, Pipe } from "../src/proxy/pipe.ts";
import { waitUntil } from "../src/wait-until.ts";

const redis = useRedis({ beforeAll, afterAll }, 1);

let proxy: FaultProxy;
/** Asks the server itself, past the proxy. */
let direct: Redis;
const clients: Redis[] = [];

const server = () => {
  const [only] = redis();
  if (only === undefined) throw new Error("no Redis");
  return only;
};

async function client(options: { commandTimeout?: number } = {}): Promise<Redis> {
  const each = new Redis(proxy.url(server().url), {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    enableReadyCheck: false,
    ...options,
  });
  each.on("error", () => {});
  clients.push(each);
  await each.connect();
  await each.ping();
  return each;
}

/** Unlike `once`, not disturbed by the error that comes before the end. */
const ended = (each: Redis): Promise<void> => new Promise((resolve) => each.once("end", resolve));

const keyIs = (key: string, value: string): Promise<boolean> =>
  waitUntil(`${key} to be ${value}`, async () => (await direct.get(key)) === value);

/** Sends one command to a socket and answers what came back before it closed. */
function closed(socket: Socket): Promise<{ bytes: number; code: string | undefined }> {
  return new Promise((resolve) => {
    let bytes = 0;
    let code: string | undefined;
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    socket.on("close", () => resolve({ bytes, code }));
  });
}

beforeEach(async () => {
  proxy = await FaultProxy.open(server());
  direct = new Redis(server().url);
  await direct.flushall();
});

afterEach(async () => {
  for (const each of clients.splice(0)) each.disconnect();
  direct.disconnect();
  await proxy.close();
});

describe("fault proxy", () => {
  it("passes everything unless told otherwise, large values in both directions included", async () => {
    const each = await client();
    const value = "0123456789abcdef".repeat(1_000_000);
    await each.set("key", value);
    expect((await each.get("key")) === value).toBe(true);
  });

  it("delays each direction, in order, and lets everything go when the delay ends", async () => {
    const each = await client();
    proxy.set({ up: { delayMs: 40 }, down: { delayMs: 40 } });
    const begin = performance.now();
    await each.ping();
    // A lower bound only: a timer may fire up to a millisecond early.
    expect(performance.now() - begin).toBeGreaterThan(78);
    proxy.set({ up: { delayMs: 3_600_000 }, down: "pass" });
    const pushes = Array.from({ length: 50 }, (_, index) => each.rpush("list", String(index)));
    expect(await direct.exists("list")).toBe(0);
    proxy.set({ up: "pass" });
    await Promise.all(pushes);
    expect(await direct.lrange("list", 0, -1)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  });

  it("holds a request and applies it when it is released, though its client has gone", async () => {
    const each = await client({ commandTimeout: 100 });
    expect(proxy.withheld).toBe(0);
    proxy.set({ up: "hold" });
    await expect(each.set("held", "1")).rejects.toThrow("Command timed out");
    expect(proxy.withheld).toBe("*3\r\n$3\r\nset\r\n$4\r\nheld\r\n$1\r\n1\r\n".length);
    const end = ended(each);
    each.disconnect();
    await end;
    expect(await direct.get("held")).toBeNull();
    proxy.set({ up: "pass" });
    await keyIs("held", "1");
  });

  it("holds a reply and delivers it when it is released", async () => {
    const each = await client();
    proxy.set({ down: "hold" });
    let answer: unknown;
    const reply = each.set("key", "1").then((text) => {
      answer = text;
    });
    await keyIs("key", "1");
    expect(answer).toBeUndefined();
    proxy.set({ down: "pass" });
    await reply;
    expect(answer).toBe("OK");
  });

  it("loses a reply: the client sees an error and the key is set", async () => {
    const each = await client();
    const lost = proxy.loseReply();
    await expect(each.set("key", "1")).rejects.toThrow();
    await lost;
    expect(await direct.get("key")).toBe("1");
    // Only that one: the next connection has all its replies.
    expect(await (await client()).set("key", "2")).toBe("OK");
  });

  it("drops replies until told otherwise, and never lets a later reply stand for a lost one", async () => {
    const each = await client({ commandTimeout: 100 });
    proxy.set({ down: "drop" });
    await expect(each.set("key", "1")).rejects.toThrow("Command timed out");
    await keyIs("key", "1");
    const end = ended(each);
    proxy.set({ down: "pass" });
    await end;
    expect(await (await client()).get("key")).toBe("1");
  });

  it("drops requests for good", async () => {
    const each = await client({ commandTimeout: 100 });
    proxy.set({ up: "drop" });
    await expect(each.set("key", "1")).rejects.toThrow("Command timed out");
    const end = ended(each);
    await proxy.heal();
    await end;
    await (await client()).set("other", "1");
    expect(await direct.get("key")).toBeNull();
  });

  it("refuses new connections while the ones that are there go on, and accepts them again on the same port", async () => {
    const each = await client();
    await proxy.refuse();
    const { code } = await closed(connect({ port: proxy.port, host: proxy.host }));
    expect(code).toBe("ECONNREFUSED");
    expect(await each.ping()).toBe("PONG");
    await proxy.accept();
    expect(await (await client()).ping()).toBe("PONG");
  });

  it("accepts new connections and leads them nowhere, until it is healed", async () => {
    proxy.hang();
    const socket = connect({ port: proxy.port, host: proxy.host });
    await once(socket, "connect");
    const end = closed(socket);
    socket.write("PING\r\n");
    await waitUntil("the connection at the proxy", () => proxy.connections === 1);
    await proxy.heal();
    expect(await end).toEqual({ bytes: 0, code: "ECONNRESET" });
    expect(await (await client()).ping()).toBe("PONG");
  });

  it("resets both sides", async () => {
    const socket = connect({ port: proxy.port, host: proxy.host });
    socket.write("PING\r\n");
    await once(socket, "data");
    const others = async (): Promise<number> => ((await direct.client("LIST")) as string).trim().split("\n").length - 1;
    expect(await others()).toBe(1);
    const end = closed(socket);
    proxy.reset();
    expect((await end).code).toBe("ECONNRESET");
    await waitUntil("the server to see it", async () => (await others()) === 0);
    await waitUntil("the proxy to forget it", () => proxy.connections === 0);
  });

  it("leaves a connection half open: the server has forgotten the client, who is not told", async () => {
    const each = await client({ commandTimeout: 100 });
    proxy.halfOpen();
    const others = async (): Promise<number> => ((await direct.client("LIST")) as string).trim().split("\n").length - 1;
    await waitUntil("the server to see it", async () => (await others()) === 0);
    await expect(each.set("key", "1")).rejects.toThrow("Command timed out");
    expect(each.status).toBe("ready");
    expect(await direct.get("key")).toBeNull();
    expect(await (await client()).ping()).toBe("PONG");
  });

  it("cuts a reply in the middle, after exactly so many bytes", async () => {
    await direct.set("large", "x".repeat(1_000_000));
    const socket = connect({ port: proxy.port, host: proxy.host });
    await once(socket, "connect");
    const end = closed(socket);
    const cut = proxy.cutAfter("down", 12_345);
    socket.write("GET large\r\n");
    await cut;
    // That it is a reset is not asked here: when one arrives right after bytes, Node reports an end to the reader.
    expect((await end).bytes).toBe(12_345);
    expect(await (await client()).strlen("large")).toBe(1_000_000);
  });

  it("cuts a request in the middle, so that it has no effect", async () => {
    const each = await client();
    const cut = proxy.cutAfter("up", 30);
    await expect(each.set("key", "x".repeat(1_000))).rejects.toThrow();
    await cut;
    expect(await (await client()).exists("key")).toBe(0);
  });

  it("resets clients while the server is down, and serves them when it is back", async () => {
    await server().kill();
    const { bytes, code } = await closed(connect({ port: proxy.port, host: proxy.host }));
    expect({ bytes, code }).toEqual({ bytes: 0, code: "ECONNRESET" });
    await server().restart();
    expect(await (await client()).ping()).toBe("PONG");
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a delay of %s ms", (delayMs) => {
    expect(() => proxy.set({ up: { delayMs } })).toThrow("delayMs must be a finite number");
  });

  it("refuses to cut after no bytes", () => {
    expect(() => proxy.cutAfter("up", 0)).toThrow("a whole number from 1 up");
  });

  it("puts its address into URLs, with or without a password", () => {
    expect(proxy.url("redis://other:1")).toBe(`redis://127.0.0.1:${proxy.port}`);
    expect(proxy.url("postgres://a:b@other:1/db")).toBe(`postgres://a:b@127.0.0.1:${proxy.port}/db`);
  });
});

describe("a pipe", () => {
  it("makes the sender wait when it holds as much as it may, and loses nothing of it", async () => {
    const sink = createServer();
    const source = createServer();
    for (const each of [sink, source]) await new Promise<void>((done) => each.listen(0, "127.0.0.1", done));
    const open = async (listener: typeof sink): Promise<[Socket, Socket]> => {
      const { port } = listener.address() as { port: number };
      const accepted = once(listener, "connection") as Promise<[Socket]>;
      const socket = connect({ port, host: "127.0.0.1" });
      return [socket, (await accepted)[0]];
    };
    const [sender, from] = await open(source);
    const [to, receiver] = await open(sink);
    const pipe = new Pipe(from, to, "hold", {
      onLoss: () => {},
      onWithheld: () => {},
      onCut: () => {},
      onReset: () => {},
    });
    const total = 4 * PIPE_BYTES_MAX;
    const sent = Buffer.alloc(total, "tsoracle.");
    sender.end(sent);
    await waitUntil("the sender to be made to wait", () => from.isPaused());
    expect(pipe.queued).toBeGreaterThanOrEqual(PIPE_BYTES_MAX);
    expect(pipe.queued).toBeLessThan(PIPE_BYTES_MAX + 1024 * 1024);
    const received: Buffer[] = [];
    receiver.on("data", (chunk: Buffer) => received.push(chunk));
    pipe.flow = "pass";
    await once(receiver, "end");
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(pipe.forwarded).toBe(total);
    for (const socket of [sender, from, to, receiver]) socket.destroy();
    sink.close();
    source.close();
  });
});
