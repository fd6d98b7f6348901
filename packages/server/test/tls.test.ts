// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { createServer, type TlsOptions } from "../src/index.ts";
import { becomes, refusal, WireClient } from "./support/wire.ts";

const pem = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const ca = pem("ca.crt");
const tls: TlsOptions = { cert: pem("server.crt"), key: pem("server.key") };

async function serving(options: TlsOptions) {
  const driver = openMemoryDriver();
  const server = createServer({ driver, acceptDataLoss: true, tls: options, limits: { handshakeTimeoutMs: 100 } });
  const address = await server.listen("127.0.0.1:0");
  await becomes(server, "serving");
  return { server, address };
}

describe("TLS", () => {
  it("serves clients that trust its authority, calls and streams", async () => {
    const { server, address } = await serving(tls);
    await using _ = server;
    using client = new WireClient(address, credentials.createSsl(ca));
    expect((await client.getTs(2)).count).toBe(2);
    const stream = client.stream();
    stream.ask(1, 2, 3);
    stream.call.end();
    expect((await stream.ended).code).toBe(status.OK);
    expect(stream.answers.map(({ count }) => count)).toEqual([1, 2, 3]);
  });

  it("does not serve plaintext on a TLS port, nor a client that trusts somebody else", async () => {
    const { server, address } = await serving(tls);
    await using _ = server;
    using plain = new WireClient(address);
    using distrustful = new WireClient(address, credentials.createSsl(pem("client.crt")));
    for (const client of [plain, distrustful]) expect((await refusal(client.getTs())).code).toBe(status.UNAVAILABLE);
    using good = new WireClient(address, credentials.createSsl(ca));
    expect((await good.getTs()).count).toBe(1);
  });

  it("lets in only clients with a certificate of the client authority", async () => {
    const { server, address } = await serving({ ...tls, clientCa: ca });
    await using _ = server;
    using nameless = new WireClient(address, credentials.createSsl(ca));
    expect((await refusal(nameless.getTs())).code).toBe(status.UNAVAILABLE);
    using known = new WireClient(address, credentials.createSsl(ca, pem("client.key"), pem("client.crt")));
    expect((await known.getTs()).count).toBe(1);
  });

  it("closes a connection that does not finish its handshake, or does not speak HTTP/2 after it", async () => {
    const { server, address } = await serving(tls);
    await using _ = server;
    const { host, port } = address;
    const silent = connectPlain({ host, port });
    silent.on("error", () => undefined);
    await new Promise((resolve) => silent.once("close", resolve));
    const web = connectTls({ host, port, ca, servername: "localhost", ALPNProtocols: ["h2"] });
    web.on("error", () => undefined);
    web.once("secureConnect", () => web.write("GET / HTTP/1.1\r\n\r\n"));
    await new Promise((resolve) => web.once("close", resolve));
    using good = new WireClient(address, credentials.createSsl(ca));
    expect((await good.getTs()).count).toBe(1);
  });
});
