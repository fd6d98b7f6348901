// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { startRedisNodes, useRedis, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { admitRedisNodes, fastForwardRedis, initRedisNodes, redisStatus } from "../src/index.ts";
import { Cluster, UNHURRIED } from "./cluster.ts";

vi.setConfig({ testTimeout: 60_000 });

const servers = useRedis({ beforeAll, afterAll }, 3);

describe("init", () => {
  it("starts an oracle above a given high-water", async () => {
    const cluster = new Cluster(servers(), UNHURRIED);
    await initRedisNodes({ ...cluster.options, nodes: cluster.urls, highWater: physicalMs(7_000) });
    await using peer = await cluster.open();
    expect(await peer.driver.loadHighWater()).toBe(7_000);
    expect(await peer.persist(5_000, await peer.reign())).toBe(7_000);
  });

  it("refuses a high-water that cannot be served, before it connects", async () => {
    const nodes = ["redis://nowhere:1", "redis://nowhere:2", "redis://nowhere:3"];
    const init = initRedisNodes({ nodes, name: "x", highWater: (2 ** 46) as never });
    await expect(init).rejects.toMatchObject({ code: "out_of_range" });
  });

  it("writes nothing while a node cannot be reached", async () => {
    await using gone = (await startRedisNodes(1))[0] as Awaited<ReturnType<typeof startRedisNodes>>[number];
    await gone.kill();
    const cluster = new Cluster([gone, ...servers().slice(1)], UNHURRIED);
    const init = initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    await expect(init).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/not reachable/) });
    expect(await cluster.command(1, "EXISTS", cluster.key)).toBe(0);
  });
});

describe("status", () => {
  it("shows what each node holds, who leads, and what a majority holds", async () => {
    const cluster = await Cluster.create(servers(), UNHURRIED);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    await cluster.command(2, "DEL", cluster.key);
    const status = await redisStatus({ ...cluster.options, nodes: cluster.urls });
    const shown = { votes: true, epoch: reign.epoch, highWater: 1_000, holder: "127.0.0.1:50051", isReleased: false };
    expect(status).toEqual({
      warnings: [],
      majority: 2,
      highWater: 1_000,
      nodes: [
        expect.objectContaining(shown),
        expect.objectContaining(shown),
        expect.objectContaining({ votes: false, reason: expect.stringMatching(/no register/) }),
      ],
    });
    // A node that is emptied under an open connection is noticed as well.
    await waitUntil("the operator to be told", () => peer.warnings.some(({ message }) => /no register/.test(message)));
  });
});

describe("fast-forward", () => {
  it("raises the high-water while no server runs, and never lowers it", async () => {
    const cluster = await Cluster.create(servers(), UNHURRIED);
    const options = { ...cluster.options, nodes: cluster.urls };
    expect(await fastForwardRedis({ ...options, to: physicalMs(5_000) })).toBe(5_000);
    expect(await fastForwardRedis({ ...options, to: physicalMs(4_000) })).toBe(5_000);
    await using peer = await cluster.open();
    expect(await peer.driver.loadHighWater()).toBe(5_000);
    const { epoch } = await peer.reign();
    expect(epoch).toBeGreaterThan(2n << 64n);
  });

  it("fails while a server leads, and disturbs nothing", async () => {
    const cluster = await Cluster.create(servers(), UNHURRIED);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    const forward = fastForwardRedis({ ...cluster.options, nodes: cluster.urls, to: physicalMs(9_000) });
    await expect(forward).rejects.toMatchObject({
      code: "transient",
      message: expect.stringMatching(/Stop every server/),
    });
    expect(await peer.persist(2_000, reign)).toBe(2_000);
    expect(await peer.driver.loadHighWater()).toBe(2_000);
  });
});

describe("admit", () => {
  it("wants the operator's word that no server runs", async () => {
    const cluster = await Cluster.create(servers(), UNHURRIED);
    const options = { ...cluster.options, nodes: cluster.urls };
    const admit = admitRedisNodes({ ...options, serversAreStopped: false as true });
    await expect(admit).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/serversAreStopped/),
    });
    expect(await admitRedisNodes({ ...options, serversAreStopped: true })).toEqual([]);
  });

  it("gives an empty node everything that was acknowledged, under an epoch of its own", async () => {
    const cluster = await Cluster.create(servers(), UNHURRIED);
    const options = { ...cluster.options, nodes: cluster.urls };
    {
      await using peer = await cluster.open();
      await cluster.raiseAll(peer, 3_000, await peer.reign());
    }
    const before = await cluster.command(1, "HGET", cluster.key, "p");
    await cluster.command(0, "DEL", cluster.key);
    expect(await admitRedisNodes({ ...options, serversAreStopped: true })).toHaveLength(1);
    expect(await cluster.held()).toEqual([3_000, 3_000, 3_000]);
    expect(String(await cluster.command(0, "HGET", cluster.key, "p")) > String(before)).toBe(true);
    expect(await cluster.command(0, "HGET", cluster.key, "nid")).not.toBe(
      await cluster.command(1, "HGET", cluster.key, "nid"),
    );
  });

  it("refuses when no majority is intact, and changes nothing", async () => {
    const cluster = await Cluster.create(servers(), UNHURRIED);
    for (const node of [0, 1]) await cluster.command(node, "DEL", cluster.key);
    const admit = admitRedisNodes({ ...cluster.options, nodes: cluster.urls, serversAreStopped: true });
    await expect(admit).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/no register/) });
    expect(await cluster.command(0, "EXISTS", cluster.key)).toBe(0);
  });
});
