// SPDX-License-Identifier: Apache-2.0
import type { Tenure } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { Freshness } from "../src/capabilities.ts";
import { OpenEtcdDriver } from "../src/driver.ts";
import type { OracleKeys } from "../src/keys.ts";
import { checkDriverOptions } from "../src/options.ts";
import { encodeHighWater, encodeReign, encodeSettings } from "../src/records.ts";
import { put } from "../src/transactions.ts";
import { type SimulatedEtcd, SimulatedLink } from "./simulated-etcd.ts";
import { Machine, type World } from "./simulated-world.ts";

export const terms = { tenureMs: 1_000, drift: 0.1 };

export interface Seen {
  epoch: Epoch;
  tenure: Tenure | undefined;
}

/** One server: its driver, and what its stream says. */
export class SimulatedNode {
  readonly driver: OpenEtcdDriver;
  readonly machine: Machine;
  readonly link: SimulatedLink;
  leading: Seen | undefined;
  readonly #stop = new AbortController();

  constructor(world: World, etcd: SimulatedEtcd, index: number, freshness: Freshness) {
    this.machine = new Machine(world, 0.9 + world.random() * 0.2);
    const { clock, after } = this.machine;
    const options = { endpoints: ["simulated:1"], advertise: `10.0.0.${index + 1}:1`, tenure: terms, freshness };
    const config = checkDriverOptions(options, { clock, after });
    this.link = new SimulatedLink(etcd, world, config.opTimeoutMs);
    this.driver = new OpenEtcdDriver(config, this.link);
  }

  start(onLeader: (epoch: Epoch) => void): void {
    void this.driver.start();
    void (async () => {
      for await (const item of this.driver.leadershipEvents({ signal: this.#stop.signal })) {
        this.leading = item.role === "leader" ? { epoch: item.epoch, tenure: item.tenure } : undefined;
        if (item.role === "leader") onLeader(item.epoch);
      }
    })();
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** What `init` writes. */
export function bootstrap(etcd: SimulatedEtcd, keys: OracleKeys, freshness: Freshness): void {
  etcd.txn({
    compare: [],
    success: [
      put(keys.highWater, encodeHighWater(0, 0n)),
      put(keys.settings, encodeSettings({ freshness, terms, clusterId: 77n })),
      put(keys.reign, encodeReign({ epoch: 0n, clean: true, advertise: "" })),
    ],
    failure: [],
  });
}
