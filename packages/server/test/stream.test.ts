// SPDX-License-Identifier: Apache-2.0
import { connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { epoch, peerEndpoint } from "@tsoracle/core";
import { HOT_STREAM } from "@tsoracle/proto";
import { describe, expect, it } from "vitest";
import { GrantStream, type StreamPort } from "../src/grant-stream.ts";
import { createServer } from "../src/index.ts";
import type { RpcError } from "../src/status.ts";
import { BenchOracle } from "./support/bench-oracle.ts";
import { settle, until } from "./support/manual-time.ts";
import { ScriptedDriver, SwitchedTenure } from "./support/scripted-driver.ts";
import { becomes, hintOf, WireClient } from "./support/wire.ts";

/** A client of a stream that reads as the test says. */
class TestPort implements StreamPort {
  readonly written: number[] = [];
  readonly ends: (RpcError | undefined)[] = [];
  reading = true;
  takes = true;

  write(grant: { logicalStart: number }): boolean {
    this.written.push(grant.logicalStart);
    return this.takes;
  }

  finish(error: RpcError | undefined): void {
    this.ends.push(error);
  }

  pauseReading(): void {
    this.reading = false;
  }

  resumeReading(): void {
    this.reading = true;
  }
}

function open(bench: BenchOracle): { port: TestPort; stream: GrantStream } {
  const port = new TestPort();
  return { port, stream: new GrantStream(port, bench.oracle.streams) };
}

describe("grant stream", () => {
  it("answers first in, first out", async () => {
    const bench = await BenchOracle.serving();
    const { port, stream } = open(bench);
    for (const count of [3, 1, 5]) stream.request(count);
    bench.timers.endTurn();
    expect(port.written).toEqual([0, 3, 4]);
  });

  it("answers what came before a count of zero, then ends with INVALID_ARGUMENT", async () => {
    const bench = await BenchOracle.serving();
    const { port, stream } = open(bench);
    for (const count of [1, 0, 1]) stream.request(count);
    expect(port.ends).toEqual([]);
    bench.timers.endTurn();
    expect(port.written).toEqual([0]);
    expect(port.ends).toMatchObject([{ message: "count must be >= 1" }]);
  });

  it("answers what came before a count beyond the limit, then ends with INVALID_ARGUMENT", async () => {
    const bench = await BenchOracle.serving();
    const { port, stream } = open(bench);
    for (const count of [1, 262_145, 1]) stream.request(count);
    bench.timers.endTurn();
    expect(port.written).toEqual([0]);
    expect(port.ends).toMatchObject([{ message: expect.stringContaining("262144") }]);
  });

  it("ends in good order after the last answer when the client has no more requests", async () => {
    const bench = await BenchOracle.serving();
    const { port, stream } = open(bench);
    stream.request(1);
    stream.requestsEnded();
    expect(port.ends).toEqual([]);
    bench.timers.endTurn();
    expect(port.ends).toEqual([undefined]);
    expect(bench.oracle.streams.open.size).toBe(0);
  });

  it("stops reading at its limit of unanswered requests, and goes on at half of it", async () => {
    const bench = await BenchOracle.serving({ limits: { maxPendingPerStream: 4 } });
    const { port, stream } = open(bench);
    for (let index = 0; index < 4; index += 1) stream.request(1);
    expect(port.reading).toBe(false);
    bench.timers.endTurn();
    expect(port.reading).toBe(true);
  });

  it("stops reading while the client does not take its answers", async () => {
    const bench = await BenchOracle.serving();
    const { port, stream } = open(bench);
    port.takes = false;
    stream.request(1);
    bench.timers.endTurn();
    expect(port.reading).toBe(false);
    stream.drained();
    expect(port.reading).toBe(true);
  });

  it("uses up no timestamps for a client that has gone", async () => {
    const bench = await BenchOracle.serving();
    const { stream } = open(bench);
    stream.request(100);
    stream.cancelled();
    const other = bench.submit();
    bench.timers.endTurn();
    expect(other.grant?.logicalStart).toBe(0);
  });

  it("ends once, with one count, when its reign ends with many requests open", async () => {
    const bench = await BenchOracle.serving();
    const { port, stream } = open(bench);
    const idle = open(bench);
    for (let index = 0; index < 10; index += 1) stream.request(1);
    bench.driver.tell({ role: "unknown" });
    await until("the end of the reign", () => bench.oracle.core.reign === undefined);
    bench.timers.endTurn();
    expect(port.ends).toMatchObject([{ message: "not leader" }]);
    expect(idle.port.ends).toMatchObject([{ message: "not leader" }]);
    expect(port.written).toEqual([]);
    expect(bench.count("tsoracle.not_leader.total")).toBe(2);
  });
});

describe("TsoStreamService over the wire", () => {
  it("answers pipelined requests in order and ends with OK", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    await becomes(server, "serving");
    const stream = client.stream();
    const counts = Array.from({ length: 2_000 }, (_, index) => (index % 7) + 1);
    stream.ask(...counts);
    stream.call.end();
    expect((await stream.ended).code).toBe(status.OK);
    expect(stream.answers.map(({ count }) => count)).toEqual(counts);
    const values = stream.answers.map(({ physicalMs, logicalStart }) => physicalMs * 2 ** 18 + logicalStart);
    for (let index = 1; index < values.length; index += 1) {
      expect(values[index]).toBeGreaterThanOrEqual((values[index - 1] as number) + (counts[index - 1] as number));
    }
  });

  it("ends an idle stream of a deposed leader with the status and trailer of the unary call", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    const stream = client.stream();
    stream.ask(1);
    await until("an answer", () => stream.answers.length === 1);
    driver.tell({ role: "follower", leaderEndpoint: peerEndpoint("a:1"), leaderEpoch: epoch(2n) });
    const end = await stream.ended;
    expect(end).toMatchObject({ code: status.FAILED_PRECONDITION, details: "not leader" });
    expect(hintOf(end)).toBe("0a03613a3112021002");
  });

  it("stays bounded and serves others while a client floods a stream and never reads", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true, shutdownGraceMs: 50 });
    const address = await server.listen("127.0.0.1:0");
    using other = new WireClient(address);
    await becomes(server, "serving");
    const session = connect(`http://${address}`);
    const headers = { ":method": "POST", ":path": HOT_STREAM.path, "content-type": "application/grpc", te: "trailers" };
    const request = session.request(headers);
    request.on("error", () => undefined);
    request.pause();
    const flood = 50_000;
    request.write(Buffer.concat(Array.from({ length: flood }, () => Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]))));
    const answered = (): number => server.metrics.count("tsoracle.get_ts.success.total");
    // The answers fill what the connection may hold unread, then the server stops reading requests.
    let last = -1;
    for (let calm = 0; calm < 50; calm += 1) {
      await settle();
      if (answered() !== last) calm = 0;
      last = answered();
    }
    expect(last).toBeGreaterThan(100);
    expect(last).toBeLessThan(flood / 4);
    expect(server.metrics.count("tsoracle.get_ts.requests.total") - last).toBeLessThanOrEqual(256);
    expect((await other.getTs()).count).toBe(1);
    expect(answered()).toBe(last + 1);
    session.destroy();
  });
});
