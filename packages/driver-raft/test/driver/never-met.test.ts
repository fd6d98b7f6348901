// SPDX-License-Identifier: Apache-2.0
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { RaftNodes } from "./raft-nodes.ts";

describe("two first members that never meet", { timeout: 240_000 }, () => {
  it("I3: take part all the same when one that takes part has heard both name the same disks", async () => {
    await using nodes = await RaftNodes.format(3, { opTimeoutMs: 20_000 });
    const [deadPort] = await freePorts(1);
    const nobody = `127.0.0.1:${deadPort}`;
    const third = await nodes.open(3, { peers: { 2: nobody } });
    const second = await nodes.open(2, { peers: { 3: nobody } });
    expect((await third.status()).missing).toEqual([1, 2]);
    await nodes.open(1);
    for (const node of [second, third]) {
      await waitUntil("it to take part", async () => (await node.status()).missing.length === 0);
    }
    // Neither can reach the other: without the word of node 1 both would wait for ever, and so would the cluster.
    expect((await third.status()).connectedPeers).not.toContain(2);
    expect((await second.status()).connectedPeers).not.toContain(3);
    const leads = async (): Promise<boolean> => {
      const { id, driver } = await nodes.leader();
      // Only node 1 is heard by both.
      if (id !== 1) await driver.membership.transfer(1n).catch(() => {});
      return id === 1;
    };
    await waitUntil("node 1 to lead", leads, { timeoutMs: 60_000 });
    await waitUntil(
      "both to follow",
      async () => {
        const [a, b] = [await second.status(), await third.status()];
        return a.applied > 1 && b.applied > 1 && a.leader === 1 && b.leader === 1;
      },
      { timeoutMs: 60_000 },
    );
  });
});
