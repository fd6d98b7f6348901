// SPDX-License-Identifier: Apache-2.0
import { connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { epoch, peerEndpoint } from "@tsoracle/core";
import { HOT_GET_TS } from "@tsoracle/proto";
import { describe, expect, it } from "vitest";
import { createServer } from "../src/index.ts";
import { until } from "./support/manual-time.ts";
import { ScriptedDriver } from "./support/scripted-driver.ts";
import { becomes, hintOf, refusal, sequenceReads, tso, WireClient } from "./support/wire.ts";

describe("TsoService over the wire", () => {
  it("answers all eight calls", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    await becomes(server, "serving");
    const first = await client.getTs(3);
    expect(first).toMatchObject({ count: 3, epoch: 1n });
    // The generated codec reads what the hand-written one has written, and the other way round.
    const second = await client.call(tso.getTs, { count: 1 });
    expect(second).toMatchObject({ count: 1, epochHi: 0n, epochLo: 1n });
    expect(Number(second.physicalMs) * 2 ** 18 + second.logicalStart).toBeGreaterThan(
      first.physicalMs * 2 ** 18 + first.logicalStart + 2,
    );
    expect(await client.call(tso.getSeq, { key: "k", count: 2 })).toMatchObject({ key: "k", start: 0n, count: 2 });
    expect(await client.call(tso.getSeqBatch, { entries: [{ key: "k", count: 1 }] })).toMatchObject({
      grants: [{ key: "k", start: 2n, count: 1 }],
      epoch: { hi: 0n, lo: 1n },
    });
    expect(await client.call(sequenceReads.loadSeq, { key: "k" })).toMatchObject({ next: 3n });
    const lease = await client.call(tso.acquireLease, { holder: Buffer.from("h"), holderEpoch: 1n, ttlMs: 5_000n });
    expect(lease.tsUpperBound).toBe(lease.leaseId);
    expect((await client.call(tso.renewLease, { leaseId: lease.leaseId })).tsUpperBound).toBeGreaterThanOrEqual(
      lease.tsUpperBound,
    );
    expect(await client.call(tso.releaseLease, { leaseId: lease.leaseId })).toEqual({});
    expect((await client.call(tso.getCurrentMaxSafe, {})).epochLo).toBe(1n);
    expect((await client.call(tso.getSafeFrontier, {})).frontierPhysicalMs).toBeGreaterThan(0n);
  });

  it("refuses a count of zero and one beyond a millisecond's worth with INVALID_ARGUMENT", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    await becomes(server, "serving");
    expect(await refusal(client.getTs(0))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "count must be >= 1",
    });
    expect(await refusal(client.getTs(262_145))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining("262144"),
    });
    expect(server.metrics.count("tsoracle.get_ts.requests.total")).toBe(1);
  });

  it.each([
    ["10.0.0.7:50551, epoch 42", "10.0.0.7:50551", 42n, "0a0e31302e302e302e373a35303535311202102a"],
    ["a:1, epoch 0", "a:1", 0n, "0a03613a311200"],
    ["nothing", undefined, undefined, ""],
  ] as const)("sends the reference's trailer bytes for %s", async (_what, endpoint, at, hex) => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    driver.tell({
      role: "follower",
      leaderEndpoint: endpoint === undefined ? undefined : peerEndpoint(endpoint),
      leaderEpoch: at === undefined ? undefined : epoch(at),
    });
    await until("the transition", () => server.metrics.count("tsoracle.leader_transition.total") === 2);
    const unary = await refusal(client.getTs());
    expect(unary).toMatchObject({ code: status.FAILED_PRECONDITION, details: "not leader" });
    expect(hintOf(unary)).toBe(hex);
    const stream = client.stream();
    stream.ask(1);
    const end = await stream.ended;
    expect(end).toMatchObject({ code: status.FAILED_PRECONDITION, details: "not leader" });
    expect(hintOf(end)).toBe(hex);
    for (const work of [
      client.call(tso.getSeq, { key: "k", count: 1 }),
      client.call(tso.getSeqBatch, { entries: [] }),
      client.call(tso.acquireLease, { holder: Buffer.of(1), holderEpoch: 0n, ttlMs: 5_000n }),
      client.call(tso.renewLease, { leaseId: 1n }),
      client.call(tso.releaseLease, { leaseId: 1n }),
    ]) {
      expect(hintOf(await refusal(work))).toBe(hex);
    }
    expect(server.metrics.count("tsoracle.not_leader.total")).toBe(7);
    // These two never redirect.
    expect(await client.call(tso.getCurrentMaxSafe, {})).toMatchObject({ maxSafePhysicalMs: 0n });
    expect(await client.call(tso.getSafeFrontier, {})).toMatchObject({ frontierPhysicalMs: 0n });
  });

  it("puts the empty trailer on the wire as a header with an empty value", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver });
    const session = connect(`http://${await server.listen("127.0.0.1:0")}`);
    const request = session.request({
      ":method": "POST",
      ":path": HOT_GET_TS.path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const trailers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      // A refusal without an answer arrives as headers only.
      request.on("response", resolve);
      request.on("error", reject);
      request.end(Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]));
    });
    session.destroy();
    expect(trailers["grpc-status"]).toBe("9");
    expect(trailers["tsoracle-leader-hint-bin"]).toBe("");
  });

  it("sends no trailer with any other refusal", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    await becomes(server, "serving");
    for (const work of [
      client.getTs(0),
      client.call(tso.getSeq, { key: "", count: 1 }),
      client.call(tso.renewLease, { leaseId: 9n }),
    ]) {
      expect(hintOf(await refusal(work))).toBeUndefined();
    }
  });
});
