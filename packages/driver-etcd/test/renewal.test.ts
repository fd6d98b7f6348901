// SPDX-License-Identifier: Apache-2.0
import { usableTenureMs } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { OpenEtcdDriver } from "../src/driver.ts";
import { checkDriverOptions } from "../src/options.ts";
import { encodeHighWater, encodeReign, encodeSettings } from "../src/records.ts";
import { put } from "../src/transactions.ts";
import type { TxnRequest, TxnResponse } from "../src/wire/messages.ts";
import { stateOf } from "./node.ts";
import { SimulatedEtcd, SimulatedLink } from "./simulated-etcd.ts";
import { Machine, World } from "./simulated-world.ts";

const SLOW_MS = 120;

describe("the tenure of a leader whose answers are slow", () => {
  it("is counted from the sending of its last renewal, never from the answer", async () => {
    const world = new World(() => 0.5);
    const etcd = new SimulatedEtcd(world);
    class SlowLink extends SimulatedLink {
      isSilent = false;

      override async txn(request: TxnRequest): Promise<TxnResponse> {
        if (this.isSilent) return await new Promise<never>(() => {});
        const response = await super.txn(request);
        await new Promise<void>((resolve) => void world.in(SLOW_MS, resolve));
        return response;
      }
    }
    const { clock, after } = new Machine(world, 1);
    const tenure = { tenureMs: 1_000, drift: 0.1 };
    const config = checkDriverOptions({ endpoints: ["simulated:1"], advertise: "a:1", tenure }, { clock, after });
    const { keys } = config;
    const success = [
      put(keys.highWater, encodeHighWater(0, 0n)),
      put(keys.settings, encodeSettings({ freshness: "lease", terms: tenure, clusterId: 77n })),
      put(keys.reign, encodeReign({ epoch: 0n, clean: true, advertise: "" })),
    ];
    etcd.txn({ compare: [], success, failure: [] });
    const link = new SlowLink(etcd, world, config.opTimeoutMs);
    const driver = new OpenEtcdDriver(config, link);
    void driver.start();
    const beat = (): bigint | undefined => etcd.keys.get(Buffer.from(keys.reign).toString())?.modRevision;
    let state = await stateOf(driver);
    for (; state?.role !== "leader"; state = await stateOf(driver)) await world.step();
    // A few renewals, the last of which is answered, and then none; keep-alives go on, so that the candidacy does.
    let [seen, seenAtMs] = [beat(), world.nowMs];
    for (let beats = 0; beats < 3; ) {
      await world.step();
      if (beat() === seen) continue;
      [seen, seenAtMs] = [beat(), world.nowMs];
      beats += 1;
    }
    while (world.nowMs < seenAtMs + SLOW_MS + 20) await world.step();
    expect(beat()).toBe(seen);
    link.isSilent = true;
    expect(state.tenure?.valid()).toBe(true);
    // Sent before it was carried out, so by then it is at least this old.
    while (world.nowMs < seenAtMs + usableTenureMs(tenure)) await world.step();
    expect(state.tenure?.valid()).toBe(false);
    expect(world.nowMs).toBeLessThan(seenAtMs + usableTenureMs(tenure) + SLOW_MS);
  });
});
