// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import { useRedis, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Cluster, type Peer } from "./cluster.ts";

vi.setConfig({ testTimeout: 120_000 });

const redis = useRedis({ beforeAll, afterAll }, 3);
const ELECTIONS = 200;

interface Elected {
  readonly epoch: Epoch;
  readonly peer: number;
}

async function watch(peer: Peer, index: number, elected: Elected[], signal: AbortSignal): Promise<void> {
  for await (const state of peer.driver.leadershipEvents({ signal })) {
    if (state.role === "leader") elected.push({ epoch: state.epoch, peer: index });
  }
}

describe("two hundred rapid elections of four candidates", () => {
  it("give each epoch to one of them, in growing order, and each sees what all before have written", async () => {
    const cluster = await Cluster.create(redis());
    const peers = await Promise.all([0, 1, 2, 3].map(() => cluster.open()));
    const elected: Elected[] = [];
    const stop = new AbortController();
    const watching = peers.map((peer, index) => watch(peer, index, elected, stop.signal));
    let written = 0;
    try {
      await waitUntil("a first leader", () => elected.length > 0);
      while (elected.length < ELECTIONS) {
        const { epoch, peer } = elected.at(-1) as Elected;
        const leader = peers[peer] as Peer;
        const count = elected.length;
        const seen = await leader.driver.loadHighWater();
        expect(seen).toBeGreaterThanOrEqual(written);
        const raised = await leader.driver.persistHighWater((written + 1) as never, epoch).catch(() => undefined);
        if (raised !== undefined) written = Math.max(written, raised);
        // All of the others at once.
        await leader.driver.resign("the test asks for it");
        for (const other of peers) if (other !== leader) other.driver.stand();
        await waitUntil("the next leader", () => elected.length > count, { everyMs: 1, timeoutMs: 30_000 });
      }
    } finally {
      stop.abort();
      for (const peer of peers) await peer[Symbol.asyncDispose]();
      await Promise.allSettled(watching);
    }
    const epochs = elected.map(({ epoch }) => epoch);
    expect(new Set(epochs).size).toBe(epochs.length);
    expect(epochs).toEqual([...epochs].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(elected.map(({ peer }) => peer)).size).toBeGreaterThan(1);
    expect(written).toBeGreaterThan(ELECTIONS / 2);
  });
});
