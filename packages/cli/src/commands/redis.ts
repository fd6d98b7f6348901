// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { addRedisFlags } from "../redis/access.ts";
import type { AdmitFlags, ForwardFlags, InitFlags, StatusFlags } from "../redis/operate.ts";
import { addAtLeastFlag, addJsonFlag, addSeedFlag, addYesFlag } from "../store/flags.ts";

function subcommand(name: string): Command {
  return addJsonFlag(addRedisFlags(new Command(name)));
}

function initCommand(): Command {
  return addSeedFlag(subcommand("init"))
    .description(
      "prepare all nodes for one oracle, once in its life; every node must answer and hold none of that name",
    )
    .action(async (flags: InitFlags) => {
      const { initRedis } = await import("../redis/operate.ts");
      await initRedis(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle redis init --nodes r1:6379,r2:6379,r3:6379 --oracle main");
}

function statusCommand(): Command {
  return subcommand("status")
    .description("show what each node holds of an oracle, and why a node has no vote; writes nothing")
    .action(async (flags: StatusFlags) => {
      const { showRedisStatus } = await import("../redis/operate.ts");
      await showRedisStatus(flags);
    })
    .addHelpText(
      "after",
      "\nExits with 1 unless a majority of the nodes votes.\n\nExamples:\n  tsoracle redis status --nodes r1,r2,r3 --oracle main --json",
    );
}

function admitCommand(): Command {
  return addYesFlag(subcommand("admit"), "your word that no server of the oracle runs, not even a paused one")
    .description("give empty or restarted nodes their vote, after a wipe or a replacement; all servers must be stopped")
    .action(async (flags: AdmitFlags) => {
      const { admitRedis } = await import("../redis/operate.ts");
      await admitRedis(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle redis admit --nodes r1,r2,r4 --oracle main --yes");
}

function fastForwardCommand(): Command {
  return addYesFlag(addAtLeastFlag(subcommand("fast-forward")), "go on: the jump cannot be undone")
    .description("raise the high-water of an oracle, after a restore; all servers must be stopped")
    .action(async (flags: ForwardFlags) => {
      const { fastForwardRedisOracle } = await import("../redis/operate.ts");
      await fastForwardRedisOracle(flags);
    })
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle redis fast-forward --nodes r1,r2,r3 --oracle main --at-least 1800000000000 --yes",
    );
}

function forceReinitCommand(): Command {
  return addYesFlag(
    addAtLeastFlag(subcommand("force-reinit")),
    "your word that no server of the oracle runs, not even a paused one",
  )
    .description("make an oracle anew after a majority lost its data, or give it other settings; takes a tenure")
    .action(async (flags: ForwardFlags) => {
      const { forceReinitRedisOracle } = await import("../redis/operate.ts");
      await forceReinitRedisOracle(flags);
    })
    .addHelpText(
      "after",
      "\nIt goes on above --at-least, above what any node still holds, and above the clock by a minute.\n\nExamples:\n  tsoracle redis force-reinit --nodes r1,r2,r3 --oracle main --at-least 1800000000000 --yes",
    );
}

function trustRestartCommand(): Command {
  return addYesFlag(subcommand("trust-restart"), "your word that each node came back with the disk that it had")
    .description("let nodes vote that restarted together, where --trust-restart is never and no majority is left")
    .action(async (flags: AdmitFlags) => {
      const { trustRedisRestart } = await import("../redis/operate.ts");
      await trustRedisRestart(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle redis trust-restart --nodes r1,r2,r3 --oracle main --yes");
}

export function redisCommand(): Command {
  return new Command("redis")
    .description("prepare, inspect and repair an oracle on Redis nodes")
    .usage("<command> [flags]")
    .action(() => {
      throw new CliError(
        "usage",
        "redis was given without a command: expected init, status, admit, fast-forward, force-reinit or trust-restart",
      );
    })
    .addCommand(initCommand())
    .addCommand(statusCommand())
    .addCommand(admitCommand())
    .addCommand(fastForwardCommand())
    .addCommand(forceReinitCommand())
    .addCommand(trustRestartCommand())
    .addHelpText("after", "\nExamples:\n  tsoracle redis status --nodes r1,r2,r3 --oracle main");
}
