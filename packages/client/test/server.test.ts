// SPDX-License-Identifier: Apache-2.0
import { MemoryStore } from "@tsoracle/consensus/memory";
import { peerEndpoint, type Timestamp } from "@tsoracle/core";
import { createServer, type TsoServer } from "@tsoracle/server";
import { describe, expect, it } from "vitest";
import { type Client, createClient } from "../src/index.ts";
import { closedPort } from "./scripted-oracle.ts";

interface Node extends AsyncDisposable {
  readonly endpoint: string;
  readonly server: TsoServer;
}

/** A real server on a loopback port that followers can name. */
async function startNode(store: MemoryStore, node: number): Promise<Node> {
  const endpoint = await closedPort();
  const driver = store.open(node, { endpoint: peerEndpoint(endpoint) });
  // Memory forgets with the process, and so do these tests.
  const server = createServer({ driver, acceptDataLoss: true, shutdownGraceMs: 200, heartbeatIntervalMs: 0 });
  await server.listen(endpoint);
  return {
    endpoint,
    server,
    async [Symbol.asyncDispose]() {
      await server.shutdown("the test has ended");
      await driver[Symbol.asyncDispose]();
    },
  };
}

const clientOf = (...nodes: readonly Node[]): Client =>
  createClient({ endpoints: nodes.map(({ endpoint }) => endpoint) });

describe("client and server together", () => {
  it("serve every call of the API", async () => {
    await using node = await startNode(new MemoryStore({ autoElect: true }), 1);
    await using client = clientOf(node);
    const first = await client.getTs();
    const range = await client.getTsBatch(1_000);
    expect(range.length).toBe(1_000);
    expect(range.first.compare(first)).toBeGreaterThan(0);
    expect((await client.getTs()).compare(range.last)).toBeGreaterThan(0);
    expect(client.cachedLeader?.endpoint).toBe(node.endpoint);

    expect(await client.getSeq("orders", 3)).toMatchObject({ start: 0n, count: 3 });
    const batch = await client.getSeqBatch([
      { key: "orders", count: 2 },
      { key: "invoices", count: 1 },
    ]);
    expect(batch.map(({ start }) => start)).toEqual([3n, 0n]);
    expect(await client.loadSeq("orders")).toMatchObject({ next: 5n });

    const lease = await client.acquireLease({ holder: "worker", holderEpoch: 1n, ttlMs: 5_000 });
    expect((await client.renewLease(lease.leaseId)).leaseId).toBe(lease.leaseId);
    const safe = await client.getCurrentMaxSafe();
    const frontier = await client.getSafeFrontier();
    const after = await client.getTs();
    expect(after.physicalMs).toBeGreaterThan(safe.physicalMs);
    expect(after.physicalMs).toBeGreaterThan(frontier.physicalMs);
    await client.releaseLease(lease.leaseId);
    await expect(client.renewLease(lease.leaseId)).rejects.toMatchObject({ code: "rpc", grpcStatus: 5 });
  });

  it("name limits that only the server knows", async () => {
    await using node = await startNode(new MemoryStore({ autoElect: true }), 1);
    await using client = clientOf(node);
    await expect(client.getSeq("a", 1_000_000)).rejects.toMatchObject({ code: "invalid_seq_key", grpcStatus: 3 });
    await expect(client.acquireLease({ holder: "a", holderEpoch: 1n, ttlMs: 1 })).rejects.toMatchObject({
      grpcStatus: 3,
    });
  });

  it("keep every promise to many callers while leadership changes hands under them", async () => {
    const store = new MemoryStore({ autoElect: true });
    await using one = await startNode(store, 1);
    await using two = await startNode(store, 2);
    await using three = await startNode(store, 3);
    await using left = clientOf(one, two, three);
    await using right = clientOf(three);
    const issued: Timestamp[] = [];
    let largest: Timestamp | undefined;
    let done = false;
    const caller = async (client: Client): Promise<void> => {
      while (!done) {
        // What has ended anywhere before this call begins must lie below its answer.
        const before = largest;
        const timestamp = await client.getTs();
        if (before !== undefined) expect(timestamp.compare(before)).toBeGreaterThan(0);
        if (largest === undefined || timestamp.compare(largest) > 0) largest = timestamp;
        issued.push(timestamp);
      }
    };
    const callers = [left, right].flatMap((client) => Array.from({ length: 20 }, () => caller(client)));
    for (const node of [2, 3, 1, 3, 2]) {
      const epoch = store.elect(node);
      // Every caller has an answer of this reign before the next begins.
      while ((largest as Timestamp | undefined)?.epoch !== epoch) await new Promise((resolve) => setImmediate(resolve));
    }
    done = true;
    await Promise.all(callers);
    expect(new Set(issued.map(({ value }) => value)).size).toBe(issued.length);
    expect(new Set(issued.map(({ epoch }) => epoch)).size).toBeGreaterThanOrEqual(5);
  });

  it("go on through an orderly shutdown of the leader", async () => {
    const store = new MemoryStore({ autoElect: true });
    await using one = await startNode(store, 1);
    await using two = await startNode(store, 2);
    await using client = clientOf(one, two);
    const before = await client.getTs();
    expect(store.leader).toBe(1);
    const during = client.getTs();
    await one.server.shutdown("maintenance");
    const after = await client.getTs();
    expect((await during).compare(before)).toBeGreaterThan(0);
    expect(after.compare(before)).toBeGreaterThan(0);
    expect(client.cachedLeader?.endpoint).toBe(two.endpoint);
  });
});
