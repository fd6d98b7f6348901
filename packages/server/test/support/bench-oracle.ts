// SPDX-License-Identifier: Apache-2.0
import type { WindowGrant } from "@tsoracle/core";
import type { ServerFault } from "../../src/finish.ts";
import type { GrantSink } from "../../src/grant-desk.ts";
import { resolveOptions, type ServerOptions } from "../../src/options.ts";
import { Oracle } from "../../src/oracle.ts";
import type { RpcError } from "../../src/status.ts";
import { ManualClock, ManualTimers, until } from "./manual-time.ts";
import { ScriptedDriver, type ScriptedOptions, SwitchedTenure } from "./scripted-driver.ts";

/** One timestamp request and what became of it. */
export class Asked implements GrantSink {
  grant: WindowGrant | undefined;
  error: RpcError | undefined;
  abandoned = false;

  granted(grant: WindowGrant): void {
    if (this.settled) throw new Error("answered twice");
    this.grant = grant;
  }

  refused(error: RpcError): void {
    if (this.settled) throw new Error("answered twice");
    this.error = error;
  }

  get settled(): boolean {
    return this.grant !== undefined || this.error !== undefined;
  }
}

/** An oracle without transport, on a scripted driver, with time in the hands of the test. */
export class BenchOracle {
  readonly driver: ScriptedDriver;
  readonly clock = new ManualClock();
  readonly timers = new ManualTimers();
  readonly tenure: SwitchedTenure;
  readonly oracle: Oracle;
  readonly options: ReturnType<typeof resolveOptions>;
  /** Every stop that was reported; undefined for an orderly one. */
  readonly stops: (ServerFault | undefined)[] = [];

  constructor(options: Partial<ServerOptions> = {}, driver: ScriptedOptions & { readonly confirm?: boolean } = {}) {
    this.driver = new ScriptedDriver(driver);
    this.tenure = new SwitchedTenure({ confirm: driver.confirm === true });
    this.options = resolveOptions({ driver: this.driver, clock: this.clock, ...options });
    this.oracle = new Oracle(this.options, this.timers, (fault) => this.stops.push(fault));
  }

  /** A started oracle that serves under epoch 1. */
  static async serving(
    options: Partial<ServerOptions> = {},
    driver: ScriptedOptions & { readonly confirm?: boolean } = {},
  ): Promise<BenchOracle> {
    const bench = new BenchOracle(options, driver);
    bench.oracle.start();
    await bench.lead(1n);
    return bench;
  }

  async lead(epoch: bigint): Promise<void> {
    this.driver.lead(epoch, this.tenure);
    await until(`serving under epoch ${epoch}`, () => this.oracle.core.reign?.epoch === epoch);
  }

  /** Submits a request; it is answered when the turn ends. */
  submit(count = 1): Asked {
    const asked = new Asked();
    this.oracle.desk.submit(count, asked);
    return asked;
  }

  /** Submits a request and ends the turn. */
  ask(count = 1): Asked {
    const asked = this.submit(count);
    this.timers.endTurn();
    return asked;
  }

  count(name: Parameters<typeof this.options.metrics.count>[0]): number {
    return this.options.metrics.count(name);
  }
}
