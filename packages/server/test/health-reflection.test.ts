// SPDX-License-Identifier: Apache-2.0
import { status } from "@grpc/grpc-js";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { createServer } from "../src/index.ts";
import { ScriptedDriver, SwitchedTenure } from "./support/scripted-driver.ts";
import { becomes, health, refusal, WireClient } from "./support/wire.ts";

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

describe("grpc.health.v1", () => {
  it("says serving exactly while leader and fenced in, and that the process is up in any case", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    const check = async (service: string) => (await client.call(health.check, { service })).status;
    for (const service of ["", "tsoracle.v1.TsoService"]) expect(await check(service)).toBe(NOT_SERVING);
    expect(await check("tsoracle.process")).toBe(SERVING);
    const held = driver.persist.hold();
    driver.lead(1n, new SwitchedTenure());
    await held.called;
    expect(await check("")).toBe(NOT_SERVING);
    held.release();
    await becomes(server, "serving");
    for (const service of ["", "tsoracle.v1.TsoService", "tsoracle.process"])
      expect(await check(service)).toBe(SERVING);
    expect((await refusal(check("tsoracle.v1.Nothing"))).code).toBe(status.NOT_FOUND);
  });

  it("tells a watcher each change, and the last one before the server ends", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    const seen: number[] = [];
    await client.series(health.watch, { service: "" }, ({ status: value }) => {
      seen.push(value);
      if (seen.length === 1) driver.lead(1n, new SwitchedTenure());
      if (seen.length === 2) driver.tell({ role: "unknown" });
      if (seen.length === 3) driver.lead(2n, new SwitchedTenure());
      if (seen.length === 4) void server.shutdown();
    });
    expect(seen).toEqual([NOT_SERVING, SERVING, NOT_SERVING, SERVING, NOT_SERVING]);
    expect((await server.finished).kind).toBe("shutdown");
  });

  it("lets a watcher of an unknown service wait", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    await client.series(health.watch, { service: "nothing" }, ({ status: value }, stop) => {
      expect(value).toBe(SERVICE_UNKNOWN);
      stop();
    });
  });
});

describe("server reflection", () => {
  /** Requests and answers as bytes: the field numbers are those of the public definition. */
  const reflection = (version: string) => ({
    path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    requestStream: true,
    responseStream: true,
    originalName: "serverReflectionInfo",
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  const asking = (field: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)]);

  it.each(["v1", "v1alpha"])("lists and describes the services under %s", async (version) => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    const call = client.duplex(reflection(version));
    const answers: string[] = [];
    const ended = new Promise((resolve) => call.on("end", resolve));
    call.on("data", (answer: Buffer) => answers.push(answer.toString("latin1")));
    call.write(asking(7, "*"));
    for (const symbol of [
      "tsoracle.v1.TsoService",
      "tsoracle.stream.v1.TsoStreamService",
      "tsoracle.sequence.v1.SequenceReadService",
      "grpc.health.v1.Health",
      "no.such.Symbol",
    ]) {
      call.write(asking(4, symbol));
    }
    call.end();
    await ended;
    const [services, tso, stream, reads, healthFile, missing] = answers;
    for (const name of [
      "tsoracle.v1.TsoService",
      "tsoracle.stream.v1.TsoStreamService",
      "tsoracle.sequence.v1.SequenceReadService",
      "grpc.health.v1.Health",
    ]) {
      expect(services).toContain(name);
    }
    expect(tso).toContain("AcquireLeaseRequest");
    expect(stream).toContain("tsoracle.v1.GetTsResponse");
    expect(reads).toContain("LoadSeqRequest");
    expect(healthFile).toContain("SERVICE_UNKNOWN");
    expect(missing).toContain("Symbol not found");
  });
});
