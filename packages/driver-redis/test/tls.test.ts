// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { type RedisServer, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { OpenRedisDriver } from "../src/driver.ts";
import { initRedisNodes } from "../src/index.ts";
import { openRedisDriver } from "../src/open.ts";
import { Cluster, Peer } from "./cluster.ts";

vi.setConfig({ testTimeout: 60_000 });

const redis = useRedis({ beforeAll, afterAll }, 3);
const pem = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
let fronts: readonly Server[] = [];

/** Speaks TLS as a Redis with certificates does, and forwards to one without. */
async function secure(server: RedisServer): Promise<Server> {
  const front = createServer({ cert: pem("server.crt"), key: pem("server.key") }, (client: TLSSocket) => {
    const upstream = connect(server.port, server.host);
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  return front;
}

beforeAll(async () => {
  fronts = await Promise.all(redis().map(secure));
});
afterAll(() => {
  for (const front of fronts) front.close();
});

function urls(scheme = "rediss"): readonly string[] {
  return fronts.map((front) => {
    const address = front.address();
    return `${scheme}://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  });
}

describe("TLS to the nodes", () => {
  it("is used with rediss, and the nodes are verified", async () => {
    const { options } = new Cluster(redis());
    const nodes = urls();
    await initRedisNodes({ ...options, nodes, tls: { ca: pem("ca.crt") } });
    const driver = await openRedisDriver({ ...options, nodes, tls: { ca: pem("ca.crt") }, advertise: "h:1" });
    await using peer = new Peer(driver as OpenRedisDriver, [], []);
    expect(await peer.persist(1_000, await peer.reign())).toBe(1_000);
  });

  it.each([
    ["that somebody else vouches for", { ca: pem("client.crt") }],
    ["that nobody known vouches for", {}],
    ["that have another name", { ca: pem("ca.crt"), servername: "redis.example" }],
  ])("refuses nodes %s", async (_, tls) => {
    const open = openRedisDriver({ ...new Cluster(redis()).options, nodes: urls(), tls, advertise: "h:1" });
    await expect(open).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/certificate.*correct the TLS options/i),
    });
  });

  it("cannot be half on: neither unverified, nor options for a plain node", async () => {
    const { options } = new Cluster(redis());
    const unverified = openRedisDriver({
      ...options,
      nodes: urls(),
      tls: { rejectUnauthorized: false },
      advertise: "h:1",
    });
    await expect(unverified).rejects.toMatchObject({
      message: expect.stringMatching(/rejectUnauthorized: false is refused/),
    });
    const nodes = urls("redis").map((url) => ({ url, tls: { ca: pem("ca.crt") } }));
    const plain = openRedisDriver({ ...options, nodes, advertise: "h:1" });
    await expect(plain).rejects.toMatchObject({ message: expect.stringMatching(/tls needs rediss/) });
  });

  it.each([
    ["a certificate that is none", { cert: "not PEM" }],
    ["a certificate and no key to it", { cert: pem("client.crt"), key: pem("server.key") }],
    ["a version that is none", { minVersion: "TLSv9" as never }],
  ])("is refused before anything is opened with %s", async (_, tls) => {
    const { options } = new Cluster(redis());
    const open = openRedisDriver({ ...options, nodes: urls(), tls, advertise: "h:1" });
    await expect(open).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/node 1: expected tls as of node:tls/),
    });
  });

  it("says of a node for which no socket can be opened why", async () => {
    const { options } = new Cluster(redis());
    const tls = { ca: pem("ca.crt"), ALPNProtocols: ["x".repeat(300)] };
    await using driver = await openRedisDriver({ ...options, nodes: urls(), tls, advertise: "h:1" });
    await expect(driver.loadHighWater()).rejects.toMatchObject({
      code: "transient",
      message: expect.stringMatching(/protocol.*exceeds/i),
    });
  });
});
