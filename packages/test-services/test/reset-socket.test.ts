// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { resetSocket } from "../src/proxy/reset-socket.ts";

const opened: { destroy(): void }[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.destroy();
});

/** A connection on loopback: the side that is to be reset, and how the other side ends. */
async function connection(): Promise<{
  readonly own: Socket;
  readonly peer: Socket;
  readonly peerEnd: Promise<string>;
}> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  opened.push({ destroy: () => listener.close() });
  await once(listener, "listening");
  const accepted = once(listener, "connection");
  const own = connect({ port: (listener.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  own.on("error", () => {});
  const [peer] = (await accepted) as [Socket];
  opened.push(own, peer);
  if (own.connecting) await once(own, "connect");
  peer.resume();
  const peerEnd = new Promise<string>((resolve) => {
    peer.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    peer.once("close", () => resolve("orderly"));
  });
  return { own, peer, peerEnd };
}

describe("a reset", () => {
  it("ends the connection on both sides", async () => {
    const { own, peerEnd } = await connection();
    resetSocket(own);
    expect(await peerEnd).toBe("ECONNRESET");
    expect(own.destroyed).toBe(true);
  });

  it.each<[string, (own: Socket) => void]>([
    ["in the same turn", () => {}],
    ["after a write", (own) => own.write("bytes")],
  ])("ends it also where its orderly end was asked for %s", async (_, before) => {
    const { own, peer, peerEnd } = await connection();
    const closed = once(own, "close");
    before(own);
    own.end();
    resetSocket(own);
    await closed;
    // The end came first, so the other side hears of the reset when it says something.
    peer.write("are you there?");
    expect(await peerEnd).toMatch(/^(EPIPE|ECONNRESET)$/);
  });
});
