// SPDX-License-Identifier: Apache-2.0

import { Allocator, epoch, LOGICAL_BITS, type PhysicalMs, physicalMs } from "@tsoracle/core";
import type { Leadership } from "@tsoracle/driver-raft/simulation";
import type { Server, SimProcess } from "./cluster.ts";

const HANDOVER_MS = 1;

/**
 * What the serving thread does with one node: after it was told of leadership it loads, makes a window durable and serves
 * from it; every batch is checked against the tenure after its timestamps were chosen (Q7). It runs beside the consensus
 * thread, so a slow disk does not stop it; a pause of the whole process does.
 */
export class OracleServer implements Server {
  readonly #process: SimProcess;
  readonly #allocator = new Allocator();
  #term: number | undefined;
  #extending = false;

  constructor(process: SimProcess) {
    this.#process = process;
  }

  /** The epoch that it serves in, if it does. */
  get serving(): number | undefined {
    return this.#process.alive && this.#allocator.isLeader ? this.#term : undefined;
  }

  /** Leadership comes over a message port, so later than the tenure in shared memory. */
  told(state: Leadership): void {
    this.#later(() => {
      this.#allocator.stepDown();
      this.#term = undefined;
      this.#extending = false;
      if (state.role !== "leader") return;
      this.#term = state.term;
      this.#load(state.term);
    });
  }

  /** One request for `count` timestamps. */
  request(count: number): void {
    const term = this.#term;
    const { world } = this.#process;
    if (term === undefined || !this.#process.alive || this.#process.paused) return;
    const newest = world.judge.timestamps.newest;
    const nowMs = Math.floor(this.#wallMs());
    const result = this.#allocator.tryGrant(nowMs, count);
    if (!result.ok) {
      if (result.reason === "window_exhausted") this.#extend(term, nowMs);
      return;
    }
    const { physicalMs: physical, logicalStart: logical } = result.grant;
    const first = physical * 2 ** LOGICAL_BITS + logical;
    const give = (): void => world.judge.timestamps.given(term, first, count, newest);
    if (world.plan.freshness === "lease") {
      if (this.#leaseIsValid(term)) {
        give();
        world.counts.grants_by_lease += 1;
      } else world.counts.grants_refused_by_tenure += 1;
    } else this.#confirm(term, give);
    if (this.#allocator.prepareBackgroundExtension(nowMs, this.#process.world.plan.windowMs) !== undefined)
      this.#extend(term, nowMs);
  }

  #leaseIsValid(term: number): boolean {
    const { cell, leaseClock, world } = this.#process;
    const { term: reign, mark } = cell.read();
    return reign === term && mark !== undefined && leaseClock.ageMs(mark) < world.usableLeaseMs;
  }

  /** A round of reads that begins now; what it confirms is handed out if this node still reigns then. */
  #confirm(term: number, give: () => void): void {
    const process = this.#process;
    process.enqueue(() => {
      process.read(() => {
        const reigns = process.replica.reign === term;
        this.#later(() => {
          if (reigns && process.cell.term === term) {
            give();
            process.world.counts.grants_by_confirm += 1;
          } else process.world.counts.grants_refused_by_tenure += 1;
        });
      });
    });
  }

  #load(term: number): void {
    const process = this.#process;
    const { judge } = process.world;
    const floor = judge.register.floor;
    process.enqueue(() => {
      process.read(() => {
        const loaded = process.replica.machine.highWater;
        const reign = process.replica.reign === term ? term : 0;
        judge.register.loaded(reign, loaded, floor);
        this.#later(() => this.#fence(term, loaded));
      });
    });
  }

  #fence(term: number, loaded: PhysicalMs): void {
    if (this.#term !== term) return;
    const fenceFloor = physicalMs(loaded + 1);
    const ceiling = physicalMs(Math.max(fenceFloor, Math.floor(this.#wallMs())) + this.#process.world.plan.windowMs);
    this.advance(term, ceiling, (committedCeiling) => {
      if (this.#term === term)
        this.#allocator.becomeLeader({ fenceFloor, committedCeiling, epoch: epoch(BigInt(term)) });
    });
  }

  #extend(term: number, nowMs: number): void {
    if (this.#extending) return;
    const asked = this.#allocator.prepareWindowExtension(nowMs, this.#process.world.plan.windowMs);
    if (!asked.ok) return;
    this.#extending = true;
    this.advance(
      term,
      asked.atLeast,
      (highWater) => this.#allocator.commitWindowExtension(highWater, epoch(BigInt(term))),
      () => {
        this.#extending = false;
      },
    );
  }

  /** Raises the high-water in the epoch `term`. */
  advance(term: number, atLeast: PhysicalMs, done: (highWater: PhysicalMs) => void, over: () => void = nothing): void {
    const process = this.#process;
    const { judge, counts } = process.world;
    const floor = judge.register.floor;
    process.enqueue(() => {
      process.ask((request, replica) => {
        process.answers.set(request, (answer) => {
          if (!answer.ok && answer.refusal.code === "uncertain") counts.advances_uncertain += 1;
          const ok = answer.ok && answer.outcome.kind === "advanced" ? answer.outcome.highWater : undefined;
          if (ok !== undefined) {
            judge.register.advanced(term, atLeast, ok, floor);
            counts.advances_ok += 1;
          }
          this.#later(() => {
            over();
            if (ok !== undefined) done(ok);
          });
        });
        replica.advance(request, atLeast, epoch(BigInt(term)));
      });
    });
  }

  #wallMs(): number {
    return this.#process.node.clock.wallMs(this.#process.world.nowMs);
  }

  /** In the serving thread, a moment after the consensus thread said so; not while the process is paused. */
  #later(run: () => void): void {
    const { world, node, cursorMs } = this.#process;
    const atMs = Math.max(cursorMs, world.nowMs) + world.chance.next() * HANDOVER_MS;
    world.at(atMs - world.nowMs, () => {
      if (!this.#process.alive) return;
      if (!this.#process.paused) run();
      else world.at(node.pausedUntilMs - world.nowMs, () => this.#process.alive && run());
    });
  }
}

function nothing(): void {
  // Most callers need not know when it is over.
}
