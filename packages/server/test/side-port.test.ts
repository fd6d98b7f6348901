// SPDX-License-Identifier: Apache-2.0
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { epoch, peerEndpoint } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Heartbeat } from "../src/heartbeat.ts";
import { COUNTERS, createServer, HISTOGRAMS, ServerMetrics, silentLogger } from "../src/index.ts";
import { prometheusRegistry } from "../src/prometheus.ts";
import { StateCell } from "../src/serving-state.ts";
import { ManualTimers, until } from "./support/manual-time.ts";
import { ScriptedDriver, SwitchedTenure } from "./support/scripted-driver.ts";
import { becomes, WireClient } from "./support/wire.ts";

describe("side port", () => {
  it("is off unless asked for", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true });
    await server.listen("127.0.0.1:0");
    expect(server.sideAddress).toBeUndefined();
  });

  it("shows every metric under its Prometheus name, with what has happened", async () => {
    await using driver = openMemoryDriver();
    await using server = createServer({ driver, acceptDataLoss: true, sidePort: 0 });
    using client = new WireClient(await server.listen("127.0.0.1:0"));
    await becomes(server, "serving");
    await client.getTs(5);
    const side = server.sideAddress;
    expect(side?.host).toBe("127.0.0.1");
    const response = await fetch(`http://${side}/metrics`);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const name of [...Object.keys(COUNTERS), ...Object.keys(HISTOGRAMS)]) {
      expect(text).toContain(`# TYPE ${name.replaceAll(".", "_")} `);
    }
    expect(text).toMatch(/^tsoracle_get_ts_timestamps_issued 5$/m);
    expect(text).toMatch(/^tsoracle_leader_transition_fence_latency_count 1$/m);
  });

  it("answers probes: up always, ready while it serves or knows a leader", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver, sidePort: 0 });
    await server.listen("127.0.0.1:0");
    const get = async (path: string) => (await fetch(`http://${server.sideAddress}${path}`)).status;
    expect(await get("/healthz")).toBe(200);
    expect(await get("/readyz")).toBe(503);
    driver.tell({ role: "follower", leaderEndpoint: peerEndpoint("a:1"), leaderEpoch: epoch(1n) });
    await until(
      "following",
      () =>
        server.state.kind === "not_serving" &&
        "leaderEndpoint" in server.state &&
        server.state.leaderEndpoint === "a:1",
    );
    expect(await get("/readyz")).toBe(200);
    driver.tell({ role: "unknown" });
    await until(
      "nobody",
      () =>
        server.state.kind === "not_serving" &&
        "leaderEndpoint" in server.state &&
        server.state.leaderEndpoint === undefined,
    );
    expect(await get("/readyz")).toBe(503);
    driver.lead(2n, new SwitchedTenure());
    await becomes(server, "serving");
    expect(await get("/readyz")).toBe(200);
  });

  it("shows people a page that quotes what it was told", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver, sidePort: 0 });
    await server.listen("127.0.0.1:0");
    driver.tell({ role: "follower", leaderEndpoint: peerEndpoint("<script>:1") });
    await until("the transition", () => server.metrics.count("tsoracle.leader_transition.total") === 2);
    const page = await (await fetch(`http://${server.sideAddress}/`)).text();
    expect(page).toContain("not serving");
    expect(page).toContain("&lt;script&gt;:1");
    expect(page).not.toContain("<script>");
  });

  it("answers nothing else", async () => {
    await using driver = new ScriptedDriver();
    await using server = createServer({ driver });
    const side = await server.openSidePort();
    expect((await fetch(`http://${side}/admin`)).status).toBe(404);
    expect((await fetch(`http://${side}/metrics`, { method: "POST" })).status).toBe(405);
  });
});

describe("metrics", () => {
  it("has the names of the reference and no others", () => {
    expect(Object.keys(COUNTERS)).toHaveLength(25);
    expect(Object.keys(HISTOGRAMS)).toEqual([
      "tsoracle.leader_transition.fence_latency",
      "tsoracle.window.extension_latency",
      "tsoracle.get_seq.batch.keys",
    ]);
  });

  it("gives Prometheus what was observed, in buckets", async () => {
    const metrics = new ServerMetrics();
    const registry = prometheusRegistry(metrics);
    metrics.observe("tsoracle.get_seq.batch.keys", 3);
    metrics.add("tsoracle.get_seq.requests.total", 2);
    const text = await registry.metrics();
    expect(text).toContain('tsoracle_get_seq_batch_keys_bucket{le="4"} 1');
    expect(text).toContain('tsoracle_get_seq_batch_keys_bucket{le="2"} 0');
    expect(text).toMatch(/^tsoracle_get_seq_requests_total 2$/m);
    // Reading twice does not count twice.
    expect(await registry.metrics()).toMatch(/^tsoracle_get_seq_requests_total 2$/m);
    expect(metrics.snapshot().histograms["tsoracle.get_seq.batch.keys"]).toEqual({ count: 1, sum: 3 });
  });
});

describe("heartbeat", () => {
  function beating(intervalMs: number) {
    const timers = new ManualTimers();
    const metrics = new ServerMetrics();
    const events: object[] = [];
    const logger = { ...silentLogger, info: (fields: object) => events.push(fields) };
    const state = new StateCell();
    const watch = { lastTransitionAgeMs: 4_200 };
    const heartbeat = new Heartbeat({ state, watch, metrics, logger, timers, intervalMs });
    return { timers, metrics, events, state, heartbeat };
  }

  it("says once per interval what has happened since the last one", () => {
    const { timers, metrics, events, state } = beating(10_000);
    state.publish({ kind: "serving", epoch: epoch(7n) });
    metrics.add("tsoracle.get_ts.requests.total", 3);
    metrics.add("tsoracle.get_ts.timestamps_issued", 30);
    timers.advance(10_000);
    metrics.add("tsoracle.get_ts.requests.total", 1);
    timers.advance(10_000);
    expect(events).toEqual([
      {
        target: "tsoracle::heartbeat",
        uptime_secs: 10,
        serving: true,
        epoch: "7",
        requests: 3,
        requests_total: 3,
        ts_issued: 30,
        not_leader: 0,
        transitions: 0,
        fence_retries: 0,
        last_transition_age_secs: 4,
      },
      expect.objectContaining({ uptime_secs: 20, requests: 1, requests_total: 4, ts_issued: 0 }),
    ]);
  });

  it("is silent with an interval of zero, and after it was stopped", () => {
    const off = beating(0);
    off.timers.advance(60_000);
    expect(off.events).toEqual([]);
    const stopped = beating(10);
    stopped.heartbeat.stop();
    stopped.timers.advance(60_000);
    expect(stopped.events).toEqual([]);
  });

  it("counts a logger that fails, and goes on", () => {
    const timers = new ManualTimers();
    const metrics = new ServerMetrics();
    let beats = 0;
    const info = (): void => {
      beats += 1;
      throw new Error("disk full");
    };
    const logger = { ...silentLogger, info };
    const watch = { lastTransitionAgeMs: 0 };
    new Heartbeat({ state: new StateCell(), watch, metrics, logger, timers, intervalMs: 10 });
    timers.advance(30);
    expect(beats).toBe(3);
    expect(metrics.count("tsoracle.heartbeat.task_panicked.total")).toBe(3);
  });
});
