// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { leaseRecord, plainLeases } from "../lease-samples.ts";
import { ms, REFUSED, rejectsWith, seqKey } from "../probes.ts";
import type { Reign, Trial } from "../trial.ts";
import { type Operation, showOperation } from "./operation.ts";

export type HistoryTrial = Trial<never, "crash" | "elect">;

/** What the driver should know: the contract as three plain values. */
class Model {
  highWater = 0;
  readonly next = new Map<string, bigint>();
  leases: readonly number[] = [];
}

/** Carries out a history and compares every answer with the model. Rejects with the first difference. */
export async function runHistory(trial: HistoryTrial, history: readonly Operation[]): Promise<void> {
  const drivers = [...(await trial.openAll())];
  const run = new HistoryRun(trial, drivers, await trial.reign());
  for (const operation of history) await run.step(operation);
  await run.compareAll(0);
}

class HistoryRun {
  readonly #trial: HistoryTrial;
  readonly #drivers: ConsensusDriver[];
  readonly #model = new Model();
  #reign: Reign;
  #oldEpoch: Epoch | undefined;

  constructor(trial: HistoryTrial, drivers: ConsensusDriver[], reign: Reign) {
    this.#trial = trial;
    this.#drivers = drivers;
    this.#reign = reign;
  }

  /** Carries out one operation; an assertion that it fails names it. */
  async step(operation: Operation): Promise<void> {
    try {
      await this.#carryOut(operation);
    } catch (error) {
      if (!(error instanceof assert.AssertionError) || error.message.startsWith("at ")) throw error;
      throw new assert.AssertionError({ message: `at "${showOperation(operation)}": ${error.message.trim()}` });
    }
  }

  async #carryOut(operation: Operation): Promise<void> {
    const model = this.#model;
    const { driver, epoch } = this.#reign;
    switch (operation.kind) {
      case "load":
        assert.equal(await this.#driver(operation.node).loadHighWater(), model.highWater);
        break;
      case "persist":
        model.highWater = Math.max(model.highWater, operation.value);
        assert.equal(await driver.persistHighWater(ms(operation.value), epoch), model.highWater);
        break;
      case "persist-stale":
        if (this.#oldEpoch === undefined) break;
        await rejectsWith(driver.persistHighWater(ms(operation.value), this.#oldEpoch), REFUSED);
        break;
      case "advance":
        await this.#advance(operation.keys, operation.count);
        break;
      case "next": {
        const next = await this.#driver(operation.node).sequences?.load(seqKey(operation.key));
        assert.equal(next, model.next.get(operation.key) ?? 0n);
        break;
      }
      case "replace":
        model.leases = operation.ids;
        await driver.leases?.replace(
          operation.ids.map((id) => leaseRecord(BigInt(id))),
          epoch,
        );
        break;
      case "leases": {
        const expected = plainLeases(model.leases.map((id) => leaseRecord(BigInt(id))));
        assert.deepEqual(plainLeases((await this.#driver(operation.node).leases?.load()) ?? []), expected);
        break;
      }
      case "reopen":
      case "crash":
      case "elect":
        await this.#disrupt(operation.kind, operation.node);
        break;
      default:
        operation satisfies never;
    }
  }

  /** Compares everything that one node can read with the model. */
  async compareAll(node: number): Promise<void> {
    await this.step({ kind: "load", node });
    if (this.#driver(node).leases !== undefined) await this.step({ kind: "leases", node });
    if (this.#driver(node).sequences === undefined) return;
    for (const key of this.#model.next.keys()) await this.step({ kind: "next", node, key });
  }

  async #advance(keys: readonly string[], count: number): Promise<void> {
    const expected = keys.map((key) => {
      const start = this.#model.next.get(key) ?? 0n;
      this.#model.next.set(key, start + BigInt(count));
      return start;
    });
    const entries = keys.map((key) => ({ key: seqKey(key), count }));
    assert.deepEqual(await this.#reign.driver.sequences?.advance(entries, this.#reign.epoch), expected);
  }

  async #disrupt(how: "reopen" | "crash" | "elect", node: number): Promise<void> {
    const trial = this.#trial;
    const before = this.#reign;
    if (how === "elect") {
      if (trial.faults.elect !== undefined) this.#reign = await trial.reignOf(node, trial.faults.elect);
    } else {
      if (how === "reopen") await trial.close(this.#driver(node));
      else await trial.faults.crash?.(node);
      this.#drivers[node] = await trial.open(node);
      this.#reign = await trial.reign();
    }
    const { epoch } = this.#reign;
    assert.ok(epoch >= before.epoch, `the epoch went back from ${before.epoch} to ${epoch}`);
    if (epoch > before.epoch) this.#oldEpoch = before.epoch;
    await this.compareAll(node);
  }

  #driver(node: number): ConsensusDriver {
    const driver = this.#drivers[node];
    assert.ok(driver !== undefined, `node ${node} is open`);
    return driver;
  }
}
