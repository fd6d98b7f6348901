// SPDX-License-Identifier: Apache-2.0
import {
  DEFAULT_FAILOVER_ADVANCE_MS,
  DEFAULT_LEASE_TTL_CEILING_MS,
  DEFAULT_LEASE_TTL_FLOOR_MS,
  DEFAULT_WINDOW_AHEAD_MS,
} from "@tsoracle/core";
import { Command, Option } from "commander";
import { formatDuration } from "../duration.ts";
import { LOG_LEVELS } from "../logger.ts";
import { durationMs, filePath, listenAddress, option } from "../options.ts";
import type { ServeFlags } from "../serve/flags.ts";

const HEARTBEAT_MS = 10_000;
const SHUTDOWN_GRACE_MS = 10_000;

function duration(flag: string, description: string, min: number, byDefault: number): Option {
  return option(`${flag} <duration>`, description)
    .argParser(durationMs(min))
    .default(byDefault, formatDuration(byDefault));
}

/** The flags of every driver. */
function addServeFlags(command: Command): Command {
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

function fileCommand(): Command {
  return addServeFlags(new Command("file"))
    .description("serve from one directory on this machine: durable, one server, no failover to another machine")
    .addOption(
      option("--state-dir <directory>", "where the durable state lies; created if missing")
        .argParser(filePath)
        .default("./tsoracle-data"),
    )
    .action(async (flags: ServeFlags & { stateDir: string }) => {
      const { serve } = await import("../serve/serve.ts");
      const { openFileDriver } = await import("@tsoracle/driver-file");
      await serve(flags, { open: () => openFileDriver({ stateDir: flags.stateDir }) });
    })
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle serve file --state-dir /var/lib/tsoracle\n  TSORACLE_LISTEN=0.0.0.0:50551 tsoracle serve file --tls-cert c.pem --tls-key k.pem",
    );
}

function memoryCommand(): Command {
  return addServeFlags(new Command("memory"))
    .description("serve from memory, for tests and trials: a restart forgets what was issued")
    .action(async (flags: ServeFlags) => {
      const { serve } = await import("../serve/serve.ts");
      const { openMemoryDriver } = await import("@tsoracle/consensus/memory");
      await serve(flags, { open: async () => openMemoryDriver(), acceptDataLoss: true });
    })
    .addHelpText("after", "\nExamples:\n  tsoracle serve memory --listen 127.0.0.1:0");
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("run a server")
    .usage("[driver] [flags]")
    .addCommand(fileCommand())
    .addCommand(memoryCommand())
    .addHelpText(
      "after",
      "\nWithout a driver, file is meant. Later versions add: postgres, redis, raft, etcd.\nStandard output holds one line, 'serving on HOST:PORT'; logs go to standard error.\n\nExamples:\n  tsoracle serve\n  tsoracle serve memory --listen 127.0.0.1:0",
    );
}
