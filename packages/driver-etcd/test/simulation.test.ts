// SPDX-License-Identifier: Apache-2.0
import type { Tenure } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OpenEtcdDriver } from "../src/driver.ts";
import { OracleKeys } from "../src/keys.ts";
import { checkDriverOptions } from "../src/options.ts";
import { encodeHighWater, encodeReign, encodeSettings } from "../src/records.ts";
import { put } from "../src/transactions.ts";
import { SimulatedEtcd, SimulatedLink } from "./simulated-etcd.ts";
import { Machine, World } from "./simulated-world.ts";

const NODES = 3;
const STEPS = 8_000;
const terms = { tenureMs: 1_000, drift: 0.1 };

/** Mulberry32: small, seeded, and good enough to choose faults. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Seen {
  epoch: Epoch;
  tenure: Tenure | undefined;
}

/** One server: its driver, and what its stream says. */
class Node {
  readonly driver: OpenEtcdDriver;
  readonly machine: Machine;
  readonly link: SimulatedLink;
  leading: Seen | undefined;
  readonly #stop = new AbortController();

  constructor(world: World, etcd: SimulatedEtcd, index: number) {
    this.machine = new Machine(world, 0.9 + world.random() * 0.2);
    const { clock, after } = this.machine;
    const options = { endpoints: ["simulated:1"], advertise: `10.0.0.${index + 1}:1`, tenure: terms };
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

function bootstrap(etcd: SimulatedEtcd, keys: OracleKeys): void {
  etcd.txn({
    compare: [],
    success: [
      put(keys.highWater, encodeHighWater(0, 0n)),
      put(keys.settings, encodeSettings({ freshness: "lease", terms, clusterId: 77n })),
      put(keys.reign, encodeReign({ epoch: 0n, clean: true, advertise: "" })),
    ],
    failure: [],
  });
}

interface Outcome {
  readonly reigns: number;
  readonly persisted: number;
  readonly overlaps: readonly string[];
}

/** Runs one world; every fault is drawn from the seed. */
async function run(seed: number): Promise<Outcome> {
  const world = new World(randomOf(seed));
  const etcd = new SimulatedEtcd(world);
  const keys = new OracleKeys();
  bootstrap(etcd, keys);
  const leaders = new Map<Epoch, number>();
  const overlaps: string[] = [];
  let acknowledged = 0;
  let persisted = 0;
  const nodes = Array.from({ length: NODES }, (_, index) => new Node(world, etcd, index));
  for (const [index, node] of nodes.entries()) {
    node.start((epoch) => {
      if ((leaders.get(epoch) ?? index) !== index) overlaps.push(`epoch ${epoch} led twice`);
      leaders.set(epoch, index);
    });
  }
  const faults = (): void => {
    etcd.expire();
    const node = nodes[Math.floor(world.random() * NODES)] as Node;
    const kind = world.random();
    const oldest = [...etcd.keys.values()]
      .filter(({ key }) => Buffer.from(key).toString().startsWith(`${keys.prefix}e/`))
      .sort((a, b) => Number(a.createRevision - b.createRevision))[0];
    if (kind < 0.004) node.machine.pause(world.random() * 4_000);
    else if (kind < 0.008) node.link.isCut = true;
    else if (kind < 0.03) node.link.isCut = false;
    else if (kind < 0.034 && oldest !== undefined) etcd.deleteKey(Buffer.from(oldest.key).toString());
    else if (kind < 0.038 && oldest !== undefined) etcd.revoke(oldest.lease);
    else if (kind < 0.042) void node.driver.resign("a fault").catch(() => {});
    else if (kind < 0.1 && node.leading !== undefined) {
      const wanted = physicalMs(acknowledged + 1 + Math.floor(world.random() * 50));
      void node.driver.persistHighWater(wanted, node.leading.epoch).then(
        (durable: PhysicalMs) => {
          acknowledged = Math.max(acknowledged, durable);
          persisted += 1;
        },
        () => {},
      );
    }
    world.in(5, faults);
  };
  faults();
  for (let step = 0; step < STEPS; step += 1) {
    await world.step();
    // Invariant 14 of `raft.md` 11.6: tenures of different epochs never overlap in true time.
    const valid = nodes.filter(({ leading }) => leading?.tenure?.valid() === true);
    const epochs = valid.map(({ leading }) => String(leading?.epoch));
    if (valid.length > 1) overlaps.push(`${epochs.join(" and ")} at ${world.nowMs} ms`);
    const stored = etcd.keys.get(`${keys.prefix}hw`);
    const highWater = stored === undefined ? -1n : Buffer.from(stored.value).readBigUInt64BE(0);
    if (highWater < BigInt(acknowledged)) overlaps.push(`${highWater} is stored, and ${acknowledged} was acknowledged`);
  }
  for (const node of nodes) node.stop();
  return { reigns: leaders.size, persisted, overlaps };
}

describe("elections over a simulated etcd", { timeout: 120_000 }, () => {
  it("never let two tenures hold at once, nor lose what was acknowledged, whatever fails", async () => {
    let reigns = 0;
    let persisted = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const outcome = await run(seed);
        reigns += outcome.reigns;
        persisted += outcome.persisted;
        expect(outcome.overlaps).toEqual([]);
      }),
      { numRuns: 60, seed: 4 },
    );
    // The faults must have cost reigns, and reigns must have been of use, or nothing was tried.
    expect(reigns).toBeGreaterThan(300);
    expect(persisted).toBeGreaterThan(1_000);
  });
});
