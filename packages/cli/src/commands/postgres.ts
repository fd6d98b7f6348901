// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { namePattern, option } from "../options.ts";
import { addPostgresFlags, type PostgresFlags } from "../postgres/access.ts";
import type { ForceReinitFlags, ForwardFlags, InitFlags } from "../postgres/operate.ts";
import { addAtLeastFlag, addJsonFlag, addOracleSettingFlags, addSeedFlag, addYesFlag } from "../store/flags.ts";

function subcommand(name: string): Command {
  return addJsonFlag(addPostgresFlags(new Command(name)));
}

function initCommand(): Command {
  return addSeedFlag(addOracleSettingFlags(subcommand("init")))
    .description("create tables, guard and grants where they are missing, and one oracle; harmless to repeat")
    .addOption(
      option("--role <name>", "the role that servers connect as; it must exist, and should not own the tables")
        .argParser(
          namePattern(
            /^[a-zA-Z_][a-zA-Z0-9_-]{0,62}$/,
            'expected a letter or "_", then at most 62 letters, digits, "_" or "-"',
          ),
        )
        .makeOptionMandatory(),
    )
    .action(async (flags: InitFlags) => {
      const { initPostgres } = await import("../postgres/operate.ts");
      await initPostgres(flags);
    })
    .addHelpText(
      "after",
      "\nConnect as the owner of the database. CREATE ROLE tsoapp LOGIN PASSWORD '...' comes first.\n\nExamples:\n  TSORACLE_URL=postgres://owner:secret@db:5432/app tsoracle postgres init --oracle main --role tsoapp",
    );
}

function statusCommand(): Command {
  return subcommand("status")
    .description("show what the database holds of an oracle; changes nothing, and the role of the servers suffices")
    .action(async (flags: PostgresFlags & { json?: true }) => {
      const { showPostgresStatus } = await import("../postgres/operate.ts");
      await showPostgresStatus(flags);
    })
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle postgres status --url postgres://tsoapp@db/app --oracle main --json",
    );
}

function fastForwardCommand(): Command {
  return addYesFlag(
    addAtLeastFlag(subcommand("fast-forward")),
    "go on: the jump cannot be undone, and the leader of now is fenced",
  )
    .description("let an oracle go on after its database lost writes: after a failover or a restored backup")
    .action(async (flags: ForwardFlags) => {
      const { fastForwardPostgres } = await import("../postgres/operate.ts");
      await fastForwardPostgres(flags);
    })
    .addHelpText(
      "after",
      "\nConnect as the owner of the database. How to find the value: docs/operate.md.\n\nExamples:\n  tsoracle postgres fast-forward --oracle main --at-least 1800000000000 --yes",
    );
}

function forceReinitCommand(): Command {
  return addYesFlag(
    addOracleSettingFlags(addAtLeastFlag(subcommand("force-reinit"))),
    "your word that no server of the oracle runs, not even a paused one",
  )
    .description("give an oracle other settings, or make it anew where its row is gone; all servers must be stopped")
    .action(async (flags: ForceReinitFlags) => {
      const { forceReinitPostgres } = await import("../postgres/operate.ts");
      await forceReinitPostgres(flags);
    })
    .addHelpText(
      "after",
      "\nConnect as the owner of the database.\n\nExamples:\n  tsoracle postgres force-reinit --oracle main --at-least 1800000000000 --tenure 2s --yes",
    );
}

export function postgresCommand(): Command {
  return new Command("postgres")
    .description("prepare, inspect and repair an oracle in Postgres")
    .usage("<command> [flags]")
    .action(() => {
      throw new CliError(
        "usage",
        "postgres was given without a command: expected init, status, fast-forward or force-reinit",
      );
    })
    .addCommand(initCommand())
    .addCommand(statusCommand())
    .addCommand(fastForwardCommand())
    .addCommand(forceReinitCommand())
    .addHelpText("after", "\nExamples:\n  tsoracle postgres status --url postgres://tsoapp@db/app --oracle main");
}
