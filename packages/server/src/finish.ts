// SPDX-License-Identifier: Apache-2.0
import type { StopReason } from "@tsoracle/core";

/** Why a server ended. Every end but `shutdown` is a fault that an operator must see. */
export type ServerEnd =
  | { readonly kind: "shutdown"; readonly reason: string }
  | { readonly kind: "fault"; readonly error: ServerFault };

/** What went wrong, in one word each. The list is closed and under semver. */
export type ServerFaultCode =
  /** The driver's leadership stream ended although nobody asked it to. */
  | "leadership_stream_ended"
  /** The driver failed in a way that retrying does not mend. */
  | "driver"
  /** The stored high-water or the clock is beyond what 46 bits hold. */
  | "out_of_range"
  /** The driver broke its contract; nothing it says can be relied on. */
  | "driver_contract"
  /** A defect in this package. */
  | "internal";

/** The server stopped serving by itself, before this error was reported. */
export class ServerFault extends Error {
  override readonly name = "ServerFault";
  readonly code: ServerFaultCode;

  constructor(code: ServerFaultCode, message: string, cause?: unknown) {
    super(`[${code}] ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The fault behind a stop of the failover protocol; undefined for an orderly shutdown. */
export function faultOf(reason: StopReason): ServerFault | undefined {
  switch (reason.kind) {
    case "shutdown":
      return undefined;
    case "stream_ended":
      return new ServerFault("leadership_stream_ended", "the driver's leadership stream ended; restart the server");
    case "driver":
      return new ServerFault("driver", `the driver failed: ${messageOf(reason.error)}`, reason.error);
    case "out_of_range":
      return new ServerFault("out_of_range", reason.error.message, reason.error);
    case "contract":
      return new ServerFault("driver_contract", reason.message);
    default:
      return reason satisfies never;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
