// SPDX-License-Identifier: Apache-2.0

import { epoch, type LeaseRecord, physicalMs, type SeqKey } from "@tsoracle/core";
import type { Random } from "../random.ts";
import type { SimProcess, World } from "./cluster.ts";

/** Of the kinds of requests, the one that leaves no entry. */
const READ_ONLY = 1;
const KEYS = ["a", "b", "c"] as const;

/** Clients: they ask whoever serves, or claims to, and sometimes anybody. */
export class Workload {
  readonly #world: World;
  readonly #random: Random;
  #leaseVersion = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  begin(): void {
    this.#world.at(this.#world.plan.requestEveryMs * (0.5 + this.#random.next()), () => {
      this.#request();
      this.begin();
    });
  }

  #request(): void {
    const living = this.#world.processes();
    const serving = living.filter(({ server }) => server.serving !== undefined);
    if (serving.length > 1) this.#world.counts.stale_reigns_alive += 1;
    const process =
      serving.length > 0 && this.#random.chance(0.9) ? this.#random.pick(serving) : this.#random.pick(living);
    if (process === undefined || process.isClone) return;
    const what = this.#world.nowMs < this.#world.idleUntilMs ? READ_ONLY : this.#random.next();
    if (what < 0.62) for (const one of serving) one.server.request(1 + this.#random.int(3));
    else if (what < 0.7) this.#advance(process);
    else if (what < 0.82) this.#sequence(process);
    else if (what < 0.87) this.#leases(process);
    else this.#load(this.#random.chance(0.3) ? (this.#random.pick(living) as SimProcess) : process);
  }

  #advance(process: SimProcess): void {
    const term = process.reign;
    if (term === undefined || process.paused) return;
    const atLeast = physicalMs(process.replica.machine.highWater + this.#random.int(60));
    // Sometimes in an epoch that is over, as a late call would.
    const epochAsked = term > 2 && this.#random.chance(0.2) ? term - 1 - this.#random.int(2) : term;
    process.server.advance(epochAsked, atLeast, () => undefined);
  }

  #sequence(process: SimProcess): void {
    const { judge, counts } = this.#world;
    const term = process.reign;
    if (term === undefined) return;
    const key = this.#random.pick(KEYS) as string;
    const count = 1 + this.#random.int(5);
    const floor = judge.sequences.floorOf(key);
    process.enqueue(() => {
      process.ask((id, replica) => {
        process.answers.set(id, (answer) => {
          if (!answer.ok || answer.outcome.kind !== "sequences") return;
          judge.sequences.answered(key, Number(answer.outcome.starts[0]), count, floor);
          counts.sequences_ok += 1;
        });
        const entries = [{ key: key as SeqKey, count }];
        replica.propose(id, { kind: "sequences", epoch: epoch(BigInt(term)), entries });
      });
    });
  }

  #leases(process: SimProcess): void {
    const { judge, counts } = this.#world;
    const term = process.reign;
    if (term === undefined) return;
    process.enqueue(() => {
      this.#leaseVersion += 1;
      const version = this.#leaseVersion;
      process.ask((id, replica) => {
        process.answers.set(id, (answer) => {
          if (!answer.ok || answer.outcome.kind !== "leases") return;
          judge.leaseSets.answered(version);
          counts.leases_ok += 1;
        });
        replica.propose(id, { kind: "leases", epoch: epoch(BigInt(term)), live: [leaseOf(version)] });
      });
    });
  }

  #load(process: SimProcess): void {
    const { judge, counts } = this.#world;
    if (process.isClone) return;
    const [highWater, leases] = [judge.register.floor, judge.leaseSets.acknowledged];
    process.enqueue(() => {
      process.read(() => {
        const { machine, reign } = process.replica;
        judge.register.loaded(reign ?? 0, machine.highWater, highWater);
        judge.leaseSets.loaded(Number(machine.leases()[0]?.leaseId ?? 0n), leases);
        counts.reads_ok += 1;
        if (reign === undefined) counts.follower_reads_ok += 1;
      });
    });
  }
}

function leaseOf(version: number): LeaseRecord {
  return {
    leaseId: BigInt(version),
    holder: Uint8Array.of(version % 256),
    holderEpoch: 1n,
    ttlMs: 1_000n,
    tsUpperBound: BigInt(version),
    expiresAtMs: BigInt(version) + 1_000n,
    superseded: false,
  };
}
