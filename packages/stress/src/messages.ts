// SPDX-License-Identifier: Apache-2.0
import type { StressTerms } from "./drivers/stress-driver.ts";
import type { RecordedCall } from "./recorded-call.ts";

/** From the harness to a process of clients. */
export type ClientCommand =
  | {
      readonly type: "start";
      /** Tells the callers of one process from those of another. */
      readonly process: string;
      /** Zero of the shared clock. */
      readonly clockBase: bigint;
      /** `host:port` of every server, by its index. */
      readonly endpoints: readonly string[];
      readonly clients: number;
      readonly callersPerClient: number;
      readonly pinnedPerServer: number;
    }
  | { readonly type: "stop" };

/** The answers. Calls of one caller come in program order. */
export type ClientReport =
  | { readonly type: "calls"; readonly calls: readonly RecordedCall[] }
  | { readonly type: "stopped" };

/** What a server process is given as its only argument, as JSON. */
export interface ServerCommand {
  readonly driver: string;
  /** What the driver's file in the table made of its store. */
  readonly config: unknown;
  /** `host:port`, to listen on and to advertise. */
  readonly address: string;
  readonly tenureCheck: boolean;
  readonly terms: StressTerms;
}
