// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { physicalMs } from "@tsoracle/core";
import { type EtcdServer, freePorts, startEtcd } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdTls, etcdOracleStatus } from "../src/index.ts";
import { urlsOf, useEtcd } from "./cluster.ts";
import { leads, NodeLog, openNode, prefixOf, prepare } from "./node.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 1);
const path = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const pem = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
let front: Server;

/** Speaks TLS as an etcd with certificates does, and forwards to one without. */
beforeAll(async () => {
  const options = { cert: pem("server.crt"), key: pem("server.key"), ALPNProtocols: ["h2"] };
  front = createServer(options, (client: TLSSocket) => {
    const upstream = connect(etcd()[0]?.port ?? 0, "127.0.0.1");
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  front.close();
});

function endpoint(scheme = "https"): string {
  const address = front.address();
  return `${scheme}://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

describe("TLS to etcd", () => {
  it("is used with https, and the members are verified", async () => {
    await prepare(urlsOf(etcd()), "tls");
    await using driver = await openNode([endpoint()], "tls", { tls: { ca: pem("ca.crt") } });
    const { epoch } = await leads(driver);
    expect(await driver.persistHighWater(physicalMs(1_000), epoch)).toBe(1_000);
  });

  it.each<[string, EtcdTls | undefined]>([
    ["that somebody else vouches for", { ca: pem("client.crt") }],
    ["that nobody known vouches for", undefined],
    ["that have another name", { ca: pem("ca.crt"), serverName: "etcd.example" }],
  ])("does not speak to members %s, and says what to check", async (_, tls) => {
    const log = new NodeLog();
    await using driver = await openNode([endpoint()], "tls", { tls, log });
    await log.line(/^error .*check the TLS options/);
    await expect(driver.loadHighWater()).rejects.toMatchObject({
      code: "transient",
      message: expect.stringMatching(/check the TLS options/),
    });
  });
});

describe("mutual TLS, with an etcd that asks for certificates", { timeout: 60_000 }, () => {
  const ca = pem("ca.crt");
  const identity = { ca, cert: pem("client.crt"), key: pem("client.key") };
  let servers: readonly EtcdServer[] = [];
  let secure = "";

  beforeAll(async () => {
    const [port] = await freePorts(1);
    secure = `https://127.0.0.1:${port}`;
    servers = await startEtcd(1, {
      // The plain listener stays for those who set the test up.
      flags: (url) => [
        ...["--listen-client-urls", `${url},${secure}`, "--advertise-client-urls", `${url},${secure}`],
        ...["--cert-file", path("server.crt"), "--key-file", path("server.key")],
        ...["--trusted-ca-file", path("ca.crt"), "--client-cert-auth"],
      ],
    });
    await prepare(urlsOf(servers), "mutual");
  }, 60_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  it("a server with a certificate leads, writes, renews and watches, and an operator sees it", async () => {
    await using driver = await openNode([secure], "mutual", { tls: identity });
    const { epoch } = await leads(driver);
    expect(await driver.persistHighWater(physicalMs(1_000), epoch)).toBe(1_000);
    const operator = { endpoints: [secure], prefix: prefixOf("mutual"), tls: identity };
    expect(await etcdOracleStatus(operator)).toMatchObject({ highWater: 1_000, epoch });
  });

  it("a server without one is not let in, and is told what to check", async () => {
    const log = new NodeLog();
    await using driver = await openNode([secure], "mutual", { tls: { ca }, log });
    await log.line(/^error .*check the TLS options/);
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
  });
});
