// SPDX-License-Identifier: Apache-2.0
import { createSecureContext } from "node:tls";
import { CliError, oneLine } from "../cli-error.ts";
import { formatDuration } from "../duration.ts";
import type { ListenAddress } from "../listen-address.ts";
import type { LogLevel } from "../log-level.ts";
import { readPem, requireTogether } from "../pem.ts";

/** What every `serve` command takes; durations in milliseconds. */
export interface ServeFlags {
  readonly listen: ListenAddress;
  readonly windowAhead: number;
  readonly failoverAdvance?: number;
  readonly leaseTtlFloor: number;
  readonly leaseTtlCeiling: number;
  readonly shutdownGrace: number;
  readonly heartbeatInterval: number;
  readonly log: LogLevel;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly metricsListen?: ListenAddress;
  readonly metrics: boolean;
  readonly exitWithStdin?: true;
}

export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa?: Buffer;
}

/**
 * Checks what no single flag can check alone.
 *
 * @throws CliError `usage` naming the flags that contradict each other
 */
export function checkServeFlags(flags: ServeFlags): void {
  const { windowAhead, failoverAdvance = 0 } = flags;
  if (failoverAdvance > windowAhead) {
    const [advance, window] = [formatDuration(failoverAdvance), formatDuration(windowAhead)];
    throw new CliError(
      "usage",
      `--failover-advance ${advance} is above --window-ahead ${window}: expected at most the window`,
    );
  }
  if (flags.leaseTtlFloor > flags.leaseTtlCeiling) {
    const floor = formatDuration(flags.leaseTtlFloor);
    const ceiling = formatDuration(flags.leaseTtlCeiling);
    throw new CliError(
      "usage",
      `--lease-ttl-floor ${floor} is above --lease-ttl-ceiling ${ceiling}: expected at most the ceiling`,
    );
  }
  requireTogether(["--tls-cert", flags.tlsCert], ["--tls-key", flags.tlsKey]);
  if (flags.tlsClientCa !== undefined && flags.tlsCert === undefined) {
    throw new CliError("usage", "--tls-client-ca was given without --tls-cert and --tls-key: expected all three");
  }
}

/** @throws CliError `usage` naming the flag whose file cannot be used */
export function readServerTls(flags: ServeFlags): ServerTls | undefined {
  if (flags.tlsCert === undefined || flags.tlsKey === undefined) return undefined;
  const pair = { cert: readPem("--tls-cert", flags.tlsCert), key: readPem("--tls-key", flags.tlsKey) };
  const tls =
    flags.tlsClientCa === undefined ? pair : { ...pair, clientCa: readPem("--tls-client-ca", flags.tlsClientCa) };
  try {
    createSecureContext({ cert: tls.cert, key: tls.key, ca: "clientCa" in tls ? tls.clientCa : undefined });
  } catch (error) {
    const named =
      flags.tlsClientCa === undefined ? "--tls-cert and --tls-key" : "--tls-cert, --tls-key and --tls-client-ca";
    throw new CliError(
      "usage",
      `${named}: expected a certificate and its key that can be used together: ${oneLine(error)}`,
    );
  }
  return tls;
}
