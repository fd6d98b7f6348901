// SPDX-License-Identifier: Apache-2.0
import {
  DEFAULT_FAILOVER_ADVANCE_MS,
  DEFAULT_LEASE_TTL_CEILING_MS,
  DEFAULT_LEASE_TTL_FLOOR_MS,
  DEFAULT_WINDOW_AHEAD_MS,
} from "@tsoracle/core";
import { type Command, Option } from "commander";
import { formatDuration } from "../duration.ts";
import { LOG_LEVELS } from "../log-level.ts";
import { durationMs, filePath, listenAddress, option } from "../options.ts";

const HEARTBEAT_MS = 10_000;
const SHUTDOWN_GRACE_MS = 10_000;

function duration(flag: string, description: string, min: number, byDefault: number): Option {
  return option(`${flag} <duration>`, description)
    .argParser(durationMs(min))
    .default(byDefault, formatDuration(byDefault));
}

/** The flags of every driver. */
export function addServeFlags(command: Command): Command {
  return command
    .addOption(
      option("--listen <address>", "where to serve; port 0 takes a free one")
        .argParser(listenAddress)
        .default({ host: "127.0.0.1", port: 50_551 }, "127.0.0.1:50551"),
    )
    .addOption(
      duration("--window-ahead", "how far ahead of the clock timestamps are made durable", 1, DEFAULT_WINDOW_AHEAD_MS),
    )
    .addOption(
      option(
        "--failover-advance <duration>",
        `how far a new leader moves ahead before it serves (default: ${formatDuration(DEFAULT_FAILOVER_ADVANCE_MS)}, or --window-ahead if that is less)`,
      ).argParser(durationMs(1)),
    )
    .addOption(duration("--lease-ttl-floor", "shortest lease that is granted", 1, DEFAULT_LEASE_TTL_FLOOR_MS))
    .addOption(duration("--lease-ttl-ceiling", "longest lease that is granted", 1, DEFAULT_LEASE_TTL_CEILING_MS))
    .addOption(
      duration(
        "--shutdown-grace",
        "how long calls may finish after SIGTERM; 0 ends them at once",
        0,
        SHUTDOWN_GRACE_MS,
      ),
    )
    .addOption(
      duration(
        "--heartbeat-interval",
        "how often a line about the work done is logged; 0 turns it off",
        0,
        HEARTBEAT_MS,
      ),
    )
    .addOption(option("--log <level>", "least severe log line that is written").choices(LOG_LEVELS).default("info"))
    .addOption(option("--tls-cert <file>", "serve TLS with this PEM certificate").argParser(filePath))
    .addOption(option("--tls-key <file>", "PEM key of that certificate").argParser(filePath))
    .addOption(
      option("--tls-client-ca <file>", "require client certificates signed by this PEM authority").argParser(filePath),
    )
    .addOption(
      option(
        "--metrics-listen <address>",
        "serve metrics, probes and a status page over HTTP here (default: off)",
      ).argParser(listenAddress),
    )
    .addOption(option("--no-metrics", "no HTTP port, even if --metrics-listen is given"))
    .addOption(new Option("--exit-with-stdin").hideHelp());
}
