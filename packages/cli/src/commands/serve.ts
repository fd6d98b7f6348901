// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { filePath, option } from "../options.ts";
import type { ServeFlags } from "../serve/flags.ts";
import { etcdServeCommand } from "./etcd.ts";
import { raftServeCommand } from "./raft.ts";
import { addServeFlags } from "./serve-flags.ts";
import { postgresServeCommand, redisServeCommand } from "./serve-store.ts";

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

const FORGETS = "this driver forgets: after a restart, timestamps can be issued again";

function memoryCommand(): Command {
  return addServeFlags(new Command("memory"))
    .description("serve from memory, for tests and trials: a restart forgets what was issued")
    .action(async (flags: ServeFlags) => {
      const { serve } = await import("../serve/serve.ts");
      const { openMemoryDriver } = await import("@tsoracle/consensus/memory");
      await serve(flags, { open: async () => openMemoryDriver(), mayForget: FORGETS });
    })
    .addHelpText("after", "\nExamples:\n  tsoracle serve memory --listen 127.0.0.1:0");
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("run a server")
    .usage("[driver] [flags]")
    .addCommand(fileCommand())
    .addCommand(memoryCommand())
    .addCommand(postgresServeCommand())
    .addCommand(redisServeCommand())
    .addCommand(etcdServeCommand())
    .addCommand(raftServeCommand())
    .addHelpText(
      "after",
      "\nWithout a driver, file is meant.\nStandard output holds one line, 'serving on HOST:PORT'; logs go to standard error.\n\nExamples:\n  tsoracle serve\n  tsoracle serve memory --listen 127.0.0.1:0",
    );
}
