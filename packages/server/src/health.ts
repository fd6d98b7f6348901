// SPDX-License-Identifier: Apache-2.0

import type { StateCell } from "./serving-state.ts";
import { Code, RpcError } from "./status.ts";

/** Says whether this server serves: leader and fenced in. Under these names of `grpc.health.v1`. */
export const SERVING_NAMES: readonly string[] = ["", "tsoracle.v1.TsoService"];
/** Says that the process is up, leader or not: for probes that restart. */
export const PROCESS_NAME = "tsoracle.process";

/** The values of `grpc.health.v1.HealthCheckResponse.ServingStatus` in use. */
export const HealthStatus: { readonly SERVING: 1; readonly NOT_SERVING: 2; readonly SERVICE_UNKNOWN: 3 } = {
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
};

export type HealthValue = (typeof HealthStatus)[keyof typeof HealthStatus];

/** The answers of `grpc.health.v1.Health`. */
export class Health {
  readonly #state: StateCell;
  readonly #closing: AbortSignal;

  /** Watches end when `closing` aborts, after they have told the last status. */
  constructor(state: StateCell, closing: AbortSignal) {
    this.#state = state;
    this.#closing = closing;
  }

  /** @throws RpcError NOT_FOUND for a name that is not one of ours. */
  check(service: string): { readonly status: HealthValue } {
    const status = this.#status(service);
    if (status === HealthStatus.SERVICE_UNKNOWN) {
      throw new RpcError(Code.NOT_FOUND, `unknown service ${JSON.stringify(service.slice(0, 128))}`);
    }
    return { status };
  }

  /** The status now and after each change. A watcher that reads slowly gets the newest, and no change is missed. */
  async *watch(
    service: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly status: HealthValue }, void, undefined> {
    let told: HealthValue | undefined;
    for await (const _ of this.#state.read(AbortSignal.any([signal, this.#closing]))) {
      const status = this.#status(service);
      if (status === told) continue;
      told = status;
      yield { status };
    }
    const last = this.#status(service);
    if (!signal.aborted && last !== told) yield { status: last };
  }

  #status(service: string): HealthValue {
    if (service === PROCESS_NAME) return HealthStatus.SERVING;
    if (!SERVING_NAMES.includes(service)) return HealthStatus.SERVICE_UNKNOWN;
    return this.#state.current.kind === "serving" ? HealthStatus.SERVING : HealthStatus.NOT_SERVING;
  }
}
