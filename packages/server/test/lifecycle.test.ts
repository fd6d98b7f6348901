// SPDX-License-Identifier: Apache-2.0
import { createServer as createNetServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { ConsensusError } from "@tsoracle/consensus";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { createServer, type TsoServer } from "../src/index.ts";
import { until } from "./support/manual-time.ts";
import { ScriptedDriver, SwitchedTenure } from "./support/scripted-driver.ts";
import { becomes, hintOf, refusal, tso, WireClient } from "./support/wire.ts";

async function serving(
  driver: ScriptedDriver,
  shutdownGraceMs = 10_000,
): Promise<{ server: TsoServer; client: WireClient }> {
  const server = createServer({ driver, shutdownGraceMs, heartbeatIntervalMs: 0 });
  const client = new WireClient(await server.listen("127.0.0.1:0"));
  driver.lead(1n, new SwitchedTenure());
  await becomes(server, "serving");
  return { server, client };
}

describe("server lifecycle", () => {
  it("refuses at once when asked to end, hands over, and says why it ended", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver);
    using _ = client;
    const stream = client.stream();
    stream.ask(1);
    await until("an answer", () => stream.answers.length === 1);
    const ended = server.shutdown("maintenance");
    expect(server.state.kind).toBe("not_serving");
    const end = await stream.ended;
    expect(end.code).toBe(status.FAILED_PRECONDITION);
    expect(hintOf(end)).toBe("");
    expect(await ended).toEqual({ kind: "shutdown", reason: "maintenance" });
    expect(await server.finished).toEqual({ kind: "shutdown", reason: "maintenance" });
    expect(driver.resigned).toEqual(["maintenance"]);
    expect((await refusal(client.getTs())).code).toBe(status.UNAVAILABLE);
  });

  it("ends once, however often and for whatever reason it is asked", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver);
    using _ = client;
    const all = await Promise.all([server.shutdown("first"), server.shutdown("second"), server[Symbol.asyncDispose]()]);
    expect(all[1]).toEqual({ kind: "shutdown", reason: "first" });
    expect(driver.resigned).toEqual(["first"]);
    await expect(server.listen("127.0.0.1:0")).rejects.toThrow(/create another/);
  });

  it("lets a sequence call under way finish within the grace period", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver);
    using _ = client;
    const held = driver.advance.hold();
    const asked = client.call(tso.getSeq, { key: "k", count: 1 });
    await held.called;
    const ended = server.shutdown();
    held.release();
    expect(await asked).toMatchObject({ start: 0n });
    await ended;
  });

  it("refuses timestamp requests that wait for a window when it is asked to end", async () => {
    const driver = new ScriptedDriver();
    const clock = { ms: 1_000_000, nowMs: () => clock.ms };
    await using server = createServer({ driver, clock });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    const held = driver.persist.hold();
    clock.ms += 60_000;
    const asked = refusal(client.getTs());
    await held.called;
    const ended = server.shutdown();
    expect(hintOf(await asked)).toBe("");
    held.release();
    await ended;
  });

  it("breaks off after the grace period when the driver does not let go", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver, 50);
    using _ = client;
    driver.resignation.hold();
    const stuck = driver.advance.hold();
    const asked = refusal(client.call(tso.getSeq, { key: "k", count: 1 }));
    await stuck.called;
    expect((await server.shutdown()).kind).toBe("shutdown");
    expect((await asked).code).not.toBe(status.OK);
  });

  it("counts a watch that it had to break off", async () => {
    const driver = new ScriptedDriver();
    const server = createServer({ driver, shutdownGraceMs: 20 });
    server.start();
    const held = driver.load.hold();
    driver.lead(1n, new SwitchedTenure());
    await held.called;
    await server.shutdown();
    expect(server.metrics.count("tsoracle.shutdown.watch_aborted.total")).toBe(1);
    held.release();
  });

  it("breaks off at once with a grace of zero", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver, 0);
    using _ = client;
    expect((await server.shutdown()).kind).toBe("shutdown");
    expect(driver.resigned).toEqual([]);
  });

  it("ends in good order although its logger is broken", async () => {
    const broken = (): never => {
      throw new Error("disk full");
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    const driver = new ScriptedDriver();
    const server = createServer({ driver, logger });
    await server.listen("127.0.0.1:0");
    driver.lead(1n, new SwitchedTenure());
    await becomes(server, "serving");
    driver.cell.close();
    expect(await server.finished).toMatchObject({ kind: "fault", error: { code: "leadership_stream_ended" } });
  });

  it("goes on ending when handing over fails", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver);
    using _ = client;
    driver.resignation.plan(() => Promise.reject(new ConsensusError("transient", "no")));
    expect((await server.shutdown()).kind).toBe("shutdown");
  });

  it("ends by itself, not serving first, when the leadership stream ends", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver);
    using _ = client;
    driver.cell.close();
    const end = await server.finished;
    expect(end).toMatchObject({ kind: "fault", error: { code: "leadership_stream_ended" } });
    expect(server.state.kind).toBe("not_serving");
    expect((await refusal(client.getTs())).code).toBe(status.UNAVAILABLE);
    // Asking it to end afterwards changes nothing.
    expect(await server.shutdown()).toBe(end);
  });

  it("ends its state subscriptions when it ends", async () => {
    const driver = new ScriptedDriver();
    const { server, client } = await serving(driver);
    using _ = client;
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { kind } of server.subscribe({ signal: new AbortController().signal })) seen.push(kind);
    })();
    await until("the first state", () => seen.length > 0);
    await server.shutdown();
    await reading;
    expect(seen).toEqual(["serving", "not_serving"]);
  });

  it("takes no leadership when it cannot bind its port", async () => {
    const occupant = createNetServer();
    await new Promise<void>((resolve) => occupant.listen(0, "127.0.0.1", resolve));
    const { port } = occupant.address() as { port: number };
    const driver = new ScriptedDriver();
    driver.lead(1n);
    await using server = createServer({ driver });
    await expect(server.listen({ host: "127.0.0.1", port })).rejects.toThrow(/EADDRINUSE/);
    expect(driver.load.calls).toEqual([]);
    occupant.close();
  });

  it.each(["", "localhost", ":1", "localhost:", "localhost:x", "localhost:65536", "http://x"])(
    "refuses to listen on %j",
    async (address) => {
      await using server = createServer({ driver: new ScriptedDriver() });
      await expect(server.listen(address)).rejects.toThrow(/expected an address "host:port"/);
    },
  );

  it("listens on several ports, IPv6 among them", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    const addresses = [await server.listen("127.0.0.1:0"), await server.listen("[::1]:0")];
    expect(String(addresses[1])).toMatch(/^\[::1\]:\d+$/);
    await becomes(server, "serving");
    for (const address of addresses) {
      using client = new WireClient(address);
      expect((await client.getTs()).count).toBe(1);
    }
  });
});
