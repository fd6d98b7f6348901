// SPDX-License-Identifier: Apache-2.0
import type { ConsensusError } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs, type SeqKey } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Freshness } from "../src/capabilities.ts";
import { OracleKeys } from "../src/keys.ts";
import { decodeLeases } from "../src/lease-store.ts";
import { SimulatedEtcd } from "./simulated-etcd.ts";
import { bootstrap, type Seen, SimulatedNode } from "./simulated-node.ts";
import { World } from "./simulated-world.ts";

const NODES = 3;
const STEPS = 8_000;
const SEQUENCE = "orders" as SeqKey;

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

/** What was asked of leaders, and what the answers must agree with. */
class Ledger {
  readonly violations: string[] = [];
  readonly leaders = new Map<Epoch, number>();
  acknowledged = 0;
  persisted = 0;
  confirmed = 0;
  replacements = 0;
  advances = 0;
  #newest = -1n;
  #replacement = 0n;
  #replaced = 0n;
  #counted = 0n;
  #uncertain = 0n;
  readonly #blocks: (readonly [bigint, bigint])[] = [];

  led(epoch: Epoch, node: number): void {
    if ((this.leaders.get(epoch) ?? node) !== node) this.violations.push(`epoch ${epoch} led twice`);
    this.leaders.set(epoch, node);
    if (epoch > this.#newest) this.#newest = epoch;
  }

  persist({ driver }: SimulatedNode, epoch: Epoch, atLeast: number): void {
    driver.persistHighWater(physicalMs(atLeast), epoch).then(
      (durable: PhysicalMs) => {
        this.acknowledged = Math.max(this.acknowledged, durable);
        this.persisted += 1;
      },
      () => {},
    );
  }

  /** A question that is asked after a successor reigned must not be answered with yes. */
  confirm({ tenure, epoch }: Seen): void {
    const newest = this.#newest;
    tenure?.confirm?.().then(
      (isNewest) => {
        this.confirmed += 1;
        if (isNewest && epoch < newest) this.violations.push(`epoch ${epoch} was confirmed after ${newest} reigned`);
      },
      () => {},
    );
  }

  advance({ driver }: SimulatedNode, epoch: Epoch, count: number): void {
    driver.sequences.advance([{ key: SEQUENCE, count }], epoch).then(
      ([start = -1n]) => {
        const end = start + BigInt(count);
        for (const [from, to] of this.#blocks) {
          if (start < to && from < end)
            this.violations.push(`sequence numbers ${start} to ${end} were given out twice`);
        }
        this.#blocks.push([start, end]);
        this.advances += 1;
        this.#counted += BigInt(count);
      },
      (error: ConsensusError) => {
        if (error.code === "uncertain") this.#uncertain += BigInt(count);
      },
    );
  }

  replace({ driver }: SimulatedNode, epoch: Epoch): void {
    this.#replacement += 1n;
    const leaseId = this.#replacement;
    const holder = new Uint8Array([1]);
    const lease = { leaseId, holder, holderEpoch: 1n, ttlMs: 1n, tsUpperBound: 0n, expiresAtMs: 0n, superseded: false };
    driver.leases.replace([lease], epoch).then(
      () => {
        this.replacements += 1;
        if (leaseId > this.#replaced) this.#replaced = leaseId;
      },
      () => {},
    );
  }

  /** What is stored covers what was acknowledged; a late write has not undone it, and nothing was counted in secret. */
  check(etcd: SimulatedEtcd, keys: OracleKeys): void {
    const read = (key: Uint8Array): Buffer => Buffer.from(etcd.keys.get(Buffer.from(key).toString())?.value ?? []);
    const highWater = read(keys.highWater).readBigUInt64BE(0);
    if (highWater < BigInt(this.acknowledged)) {
      this.violations.push(`${highWater} is stored, and ${this.acknowledged} was acknowledged`);
    }
    const leases = read(keys.leases);
    const stored = leases.length === 0 ? 0n : (decodeLeases(leases.toString())[0]?.leaseId ?? 0n);
    if (stored < this.#replaced) this.violations.push(`leases ${this.#replaced} were undone by ${stored}`);
  }

  /** Once nothing is under way: dense, but for advances that said that they are uncertain. */
  close(etcd: SimulatedEtcd, keys: OracleKeys): void {
    const bytes = etcd.keys.get(Buffer.from(keys.sequence(SEQUENCE)).toString())?.value ?? new Uint8Array(8);
    const next = Buffer.from(bytes).readBigUInt64BE(0);
    const most = this.#counted + this.#uncertain;
    if (next < this.#counted || next > most) {
      this.violations.push(`the sequence stands at ${next}, and ${this.#counted} to ${most} were given out`);
    }
  }
}

/** Runs one world; every fault is drawn from the seed. */
async function run(seed: number, freshness: Freshness): Promise<Ledger> {
  const world = new World(randomOf(seed));
  const etcd = new SimulatedEtcd(world);
  const keys = new OracleKeys();
  bootstrap(etcd, keys, freshness);
  const ledger = new Ledger();
  const nodes = Array.from({ length: NODES }, (_, index) => new SimulatedNode(world, etcd, index, freshness));
  for (const [index, node] of nodes.entries()) node.start((epoch) => ledger.led(epoch, index));
  let isQuiet = false;
  const faults = (): void => {
    if (isQuiet) return;
    etcd.expire();
    const node = nodes[Math.floor(world.random() * NODES)] as SimulatedNode;
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
    else if (node.leading !== undefined) ask(ledger, node, node.leading, kind, world.random());
    world.in(5, faults);
  };
  faults();
  for (let step = 0; step < STEPS; step += 1) {
    await world.step();
    // Invariant 14 of `raft.md` 11.6: tenures of different epochs never overlap in true time.
    const valid = freshness === "lease" ? nodes.filter(({ leading }) => leading?.tenure?.valid() === true) : [];
    const epochs = valid.map(({ leading }) => String(leading?.epoch));
    if (valid.length > 1) ledger.violations.push(`${epochs.join(" and ")} at ${world.nowMs} ms`);
    ledger.check(etcd, keys);
  }
  isQuiet = true;
  for (const until = world.nowMs + 5_000; world.nowMs < until; ) await world.step();
  ledger.close(etcd, keys);
  for (const node of nodes) node.stop();
  return ledger;
}

function ask(ledger: Ledger, node: SimulatedNode, leading: Seen, kind: number, amount: number): void {
  if (kind < 0.1) ledger.persist(node, leading.epoch, ledger.acknowledged + 1 + Math.floor(amount * 50));
  else if (kind < 0.25) ledger.advance(node, leading.epoch, 1 + Math.floor(amount * 9));
  else if (kind < 0.45) ledger.replace(node, leading.epoch);
  else if (kind < 0.6) ledger.confirm(leading);
}

describe.each(["lease", "confirm"] as const)(
  "elections over a simulated etcd, %s",
  { timeout: 240_000 },
  (freshness) => {
    it("never let two reigns answer at once, nor lose, repeat or undo what was acknowledged, whatever fails", async () => {
      const done = { reigns: 0, persisted: 0, confirmed: 0, advances: 0, replacements: 0 };
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
          const ledger = await run(seed, freshness);
          done.reigns += ledger.leaders.size;
          for (const what of ["persisted", "confirmed", "advances", "replacements"] as const)
            done[what] += ledger[what];
          expect(ledger.violations).toEqual([]);
        }),
        { numRuns: 30, seed: 4 },
      );
      // The faults must have cost reigns, and reigns must have been of use, or nothing was tried.
      expect(done.reigns).toBeGreaterThan(100);
      for (const what of ["persisted", "advances", "replacements"] as const)
        expect(done[what], what).toBeGreaterThan(500);
      if (freshness === "confirm") expect(done.confirmed).toBeGreaterThan(500);
    });
  },
);
