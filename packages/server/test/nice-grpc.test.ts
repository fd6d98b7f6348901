// SPDX-License-Identifier: Apache-2.0

import { peerEndpoint } from "@tsoracle/core";
import {
  LEADER_HINT_TRAILER,
  type SequenceReadServiceClient,
  SequenceReadServiceDefinition,
  type TsoServiceClient,
  TsoServiceDefinition,
  type TsoStreamServiceClient,
  TsoStreamServiceDefinition,
} from "@tsoracle/proto";
import {
  type Channel,
  ClientError,
  createChannel,
  createClient,
  createServer as createNiceServer,
  type Metadata,
  Status,
} from "nice-grpc";
import { HealthDefinition } from "nice-grpc-server-health";
import { describe, expect, it } from "vitest";
import { createServer, type TsoServer } from "../src/index.ts";
import { until } from "./support/manual-time.ts";
import { ScriptedDriver, SwitchedTenure } from "./support/scripted-driver.ts";
import { becomes, refusal, tso, WireClient } from "./support/wire.ts";

interface Mounted extends AsyncDisposable {
  readonly driver: ScriptedDriver;
  readonly server: TsoServer;
  readonly channel: ReturnType<typeof createChannel>;
  readonly address: string;
}

const tsoClient = (channel: Channel): TsoServiceClient => createClient(TsoServiceDefinition, channel);
const streamClient = (channel: Channel): TsoStreamServiceClient => createClient(TsoStreamServiceDefinition, channel);
const readsClient = (channel: Channel): SequenceReadServiceClient =>
  createClient(SequenceReadServiceDefinition, channel);

/** The oracle inside a nice-grpc server that belongs to somebody else. */
async function mounted(): Promise<Mounted> {
  const driver = new ScriptedDriver();
  const server = createServer({ driver, shutdownGraceMs: 1_000 });
  const host = createNiceServer();
  server.mount(host);
  const port = await host.listen("127.0.0.1:0");
  const channel = createChannel(`127.0.0.1:${port}`);
  return {
    driver,
    server,
    channel,
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      channel.close();
      host.forceShutdown();
    },
  };
}

describe("mounted into a nice-grpc server", () => {
  it("serves every service", async () => {
    await using bench = await mounted();
    const { driver, server, channel } = bench;
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    const tso = tsoClient(channel);
    expect(await tso.getTs({ count: 4 })).toMatchObject({ count: 4, epochHi: 0n, epochLo: 1n });
    expect(await tso.getSeq({ key: "k", count: 2 })).toMatchObject({ start: 0n });
    expect(await readsClient(channel).loadSeq({ key: "k" })).toMatchObject({
      next: 2n,
    });
    expect(await createClient(HealthDefinition, channel).check({ service: "" })).toEqual({ status: 1 });
    const lease = await tso.acquireLease({ holder: Buffer.of(1), holderEpoch: 1n, ttlMs: 5_000n });
    expect(await tso.releaseLease({ leaseId: lease.leaseId })).toEqual({});
    await expect(tso.getTs({ count: 0 })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  it("is called through clients that are made of the definitions alone", async () => {
    await using bench = await mounted();
    const { driver, server, channel } = bench;
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    // No annotation: the types of these clients are those that users of the definitions get.
    const tso = createClient(TsoServiceDefinition, channel);
    const { count, epochLo } = await tso.getTs({ count: 2 });
    expect([count, epochLo]).toEqual([2, 1n]);
    const { grants } = await tso.getSeqBatch({ entries: [{ key: "k", count: 3 }] });
    expect(grants).toEqual([{ key: "k", start: 0n, count: 3 }]);
    const { next } = await createClient(SequenceReadServiceDefinition, channel).loadSeq({ key: "k" });
    expect(next).toBe(3n);
    async function* one() {
      yield { count: 1 };
    }
    const answers: number[] = [];
    for await (const answer of createClient(TsoStreamServiceDefinition, channel).stream(one()))
      answers.push(answer.count);
    expect(answers).toEqual([1]);
  });

  it("refuses a sequence key that is not UTF-8, and takes nothing", async () => {
    await using bench = await mounted();
    const { driver, server, channel, address } = bench;
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    using wire = new WireClient(address);
    const bytes = (request: Buffer): Buffer => request;
    const raw = { ...tso.getSeq, requestSerialize: bytes, requestDeserialize: bytes };
    const refused = await refusal(wire.call(raw, Buffer.from([0x0a, 1, 0xff, 0x10, 1])));
    expect(refused.code).toBe(Status.INTERNAL);
    expect((await readsClient(channel).loadSeq({ key: "\ufffd" })).next).toBe(0n);
  });

  it("streams in order, and ends in good order", async () => {
    await using bench = await mounted();
    const { driver, server, channel } = bench;
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    const counts = Array.from({ length: 500 }, (_, index) => ({ count: (index % 5) + 1 }));
    async function* requests() {
      yield* counts;
    }
    const answers: number[] = [];
    let last = 0n;
    for await (const { physicalMs, logicalStart, count } of streamClient(channel).stream(requests())) {
      const first = (physicalMs << 18n) | BigInt(logicalStart);
      expect(first).toBeGreaterThan(last);
      last = first + BigInt(count) - 1n;
      answers.push(count);
    }
    expect(answers).toEqual(counts.map(({ count }) => count));
  });

  it("refuses with the same status and trailer, for calls and streams", async () => {
    await using bench = await mounted();
    const { driver, server, channel } = bench;
    driver.tell({ role: "follower", leaderEndpoint: peerEndpoint("a:1") });
    await until("the transition", () => server.metrics.count("tsoracle.leader_transition.total") === 2);
    const trailers: Metadata[] = [];
    const onTrailer = (trailer: Metadata): void => void trailers.push(trailer);
    const tso = tsoClient(channel);
    const refused = { code: Status.FAILED_PRECONDITION, details: "not leader" };
    await expect(tso.getTs({ count: 1 }, { onTrailer })).rejects.toMatchObject(refused);
    async function* requests() {
      yield { count: 1 };
      await server.finished;
    }
    const read = async (): Promise<void> => {
      for await (const _ of streamClient(channel).stream(requests(), { onTrailer }));
    };
    await expect(read()).rejects.toMatchObject(refused);
    await expect(read()).rejects.toBeInstanceOf(ClientError);
    for (const trailer of trailers) {
      expect(Buffer.from(trailer.get(LEADER_HINT_TRAILER) ?? []).toString("hex")).toBe("0a03613a31");
    }
    expect(trailers).toHaveLength(3);
  });

  it("sends the trailer with zero bytes when nothing is known", async () => {
    await using bench = await mounted();
    let trailer: Metadata | undefined;
    const tso = tsoClient(bench.channel);
    const onTrailer = (got: Metadata): void => {
      trailer = got;
    };
    await expect(tso.getTs({ count: 1 }, { onTrailer })).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION });
    expect(trailer?.has(LEADER_HINT_TRAILER)).toBe(true);
    expect(trailer?.get(LEADER_HINT_TRAILER)?.length).toBe(0);
  });

  it("ends open streams with the status when the server ends", async () => {
    await using bench = await mounted();
    const { driver, server, channel } = bench;
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    async function* requests() {
      yield { count: 1 };
      await server.finished;
    }
    let answers = 0;
    const read = async (): Promise<void> => {
      for await (const _ of streamClient(channel).stream(requests())) {
        answers += 1;
        void server.shutdown();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION, details: "not leader" });
    expect(answers).toBe(1);
  });
});
