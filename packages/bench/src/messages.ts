// SPDX-License-Identifier: Apache-2.0
import type { ServerKind } from "./cases.ts";

/** What the parent tells a server process. */
export type ServerCommand = { readonly type: "start"; readonly server: ServerKind } | { readonly type: "usage" };

/** What a server process answers. */
export type ServerReply =
  | { readonly type: "ready"; readonly port: number }
  | { readonly type: "usage"; readonly cpuMicros: number; readonly persists: number };

/** What the parent tells a client process. */
export interface ClientCommand {
  readonly kind: ServerKind["kind"];
  readonly port: number;
  readonly callers: number;
  readonly warmupMs: number;
  readonly measureMs: number;
}

/** What a client process measured. Times in microseconds. */
export interface ClientResult {
  readonly operations: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicros: number;
}
