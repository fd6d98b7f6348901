// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import type { DriverCapabilities } from "./capabilities.ts";
import { ConsensusError, type ConsensusErrorCode } from "./consensus-error.ts";
import type { ConsensusDriver, DenseSequences, LeaseStore, MembershipAdmin } from "./driver.ts";
import type { DriverMetric } from "./driver-metric.ts";
import type { DriverMethod, FaultControls } from "./fault-controls.ts";
import { FaultGate, type GateTerms } from "./fault-gate.ts";
import type { CallOptions, LeaderState } from "./leader-state.ts";

/** A driver with faults that a test controls. */
export interface FaultyDriver extends ConsensusDriver {
  readonly faults: FaultControls;
}

export interface FaultyOptions {
  /** How long a stalled call waits before it rejects as `uncertain`, in milliseconds. @defaultValue 1000 */
  readonly callTimeoutMs?: number | undefined;
}

const terms: GateTerms<DriverMethod, ConsensusErrorCode> = {
  methods: {
    loadHighWater: "read",
    persistHighWater: "write",
    "sequences.load": "read",
    "sequences.advance": "write",
    "leases.load": "read",
    "leases.replace": "write",
  },
  error: (code, message) => new ConsensusError(code, message),
};

type DriverGate = FaultGate<DriverMethod, ConsensusErrorCode>;

/** Wraps any driver; the wrapper owns it and disposes it. */
export function faulty(driver: ConsensusDriver, options: FaultyOptions = {}): FaultyDriver {
  return new FaultyWrapper(driver, new FaultGate(terms, options.callTimeoutMs ?? 1_000));
}

class FaultyWrapper implements FaultyDriver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;
  readonly faults: FaultControls;
  readonly sequences?: DenseSequences;
  readonly leases?: LeaseStore;
  readonly membership?: MembershipAdmin;
  readonly resign?: (reason: string) => Promise<void>;
  readonly metrics?: (options?: CallOptions) => Promise<readonly DriverMetric[]>;
  readonly #driver: ConsensusDriver;
  readonly #gate: DriverGate;

  constructor(driver: ConsensusDriver, gate: DriverGate) {
    this.name = driver.name;
    this.capabilities = driver.capabilities;
    this.faults = gate;
    this.#driver = driver;
    this.#gate = gate;
    if (driver.sequences !== undefined) this.sequences = gatedSequences(driver.sequences, gate);
    if (driver.leases !== undefined) this.leases = gatedLeases(driver.leases, gate);
    if (driver.membership !== undefined) this.membership = driver.membership;
    if (driver.resign !== undefined) this.resign = driver.resign.bind(driver);
    if (driver.metrics !== undefined) this.metrics = driver.metrics.bind(driver);
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#driver.leadershipEvents(options);
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.#gate.pass("loadHighWater", options, (passed) => this.#driver.loadHighWater(passed));
  }

  persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    return this.#gate.pass("persistHighWater", options, (passed) =>
      this.#driver.persistHighWater(atLeast, epoch, passed),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.close();
    await this.#driver[Symbol.asyncDispose]();
  }
}

function gatedSequences(inner: DenseSequences, gate: DriverGate): DenseSequences {
  return {
    load: (key, options) => gate.pass("sequences.load", options, (passed) => inner.load(key, passed)),
    advance: (entries, epoch, options) =>
      gate.pass("sequences.advance", options, (passed) => inner.advance(entries, epoch, passed)),
  };
}

function gatedLeases(inner: LeaseStore, gate: DriverGate): LeaseStore {
  return {
    load: (options) => gate.pass("leases.load", options, (passed) => inner.load(passed)),
    replace: (live, epoch, options) =>
      gate.pass("leases.replace", options, (passed) => inner.replace(live, epoch, passed)),
  };
}
