// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { adminCommand } from "./commands/admin.ts";
import { benchCommand } from "./commands/bench.ts";
import { conformanceCommand } from "./commands/conformance.ts";
import { decodeCommand } from "./commands/decode.ts";
import { demoCommand } from "./commands/demo.ts";
import { etcdCommand } from "./commands/etcd.ts";
import { getCommand } from "./commands/get.ts";
import { initCommand } from "./commands/init.ts";
import { leaseCommand } from "./commands/lease.ts";
import { postgresCommand } from "./commands/postgres.ts";
import { raftCommand } from "./commands/raft.ts";
import { redisCommand } from "./commands/redis.ts";
import { seqCommand } from "./commands/seq.ts";
import { serveCommand } from "./commands/serve.ts";
import { statusCommand } from "./commands/status.ts";
import { settleSwitches } from "./options.ts";
import { printError } from "./output.ts";
import { packageVersion } from "./version.ts";

const EPILOGUE = `
Every flag can also be given as an environment variable, shown as (env: ...); the flag wins.
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

Examples:
  tsoracle                                   serve the directory ./tsoracle-data on 127.0.0.1:50551
  tsoracle get -n 3                          take three timestamps from it
  tsoracle demo                              watch it survive kill -9`;

/** An error is one line. Where it is about what exists at all, it says where that is listed. */
function printUsageError(text: string): void {
  const line = text.replace(/\s*\n\s*/g, " ").trim();
  printError(
    /^error: (unknown|missing|required|too many)/.test(line) ? `${line} (--help lists what is accepted)` : line,
  );
}

/** Settings that a subcommand does not inherit by itself. */
function settle(command: Command): Command {
  command.exitOverride().allowExcessArguments(false).showSuggestionAfterError(true).helpCommand(false);
  command.configureOutput({ outputError: printUsageError });
  for (const child of command.commands) settle(child);
  return command;
}

/** The whole command line. It parses and dispatches; what a command does is loaded when it runs. */
export function createProgram(): Command {
  const program = new Command("tsoracle")
    .description("A timestamp oracle: strictly increasing 64-bit timestamps over gRPC.")
    .usage("[command] [flags]\n       tsoracle [flags]                  the same as: tsoracle serve file [flags]")
    .version(packageVersion(), "-V, --version", "print the version")
    .hook("preAction", (_program, action) => settleSwitches(action, process.env))
    .addHelpText("after", EPILOGUE);
  const commands = [
    serveCommand(),
    getCommand(),
    seqCommand(),
    leaseCommand(),
    decodeCommand(),
    initCommand(),
    statusCommand(),
    conformanceCommand(),
    demoCommand(),
    benchCommand(),
    postgresCommand(),
    redisCommand(),
    etcdCommand(),
    raftCommand(),
    adminCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return settle(program);
}
