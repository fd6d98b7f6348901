// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP } from "@tsoracle/core";
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { addEtcdFlags } from "../etcd/access.ts";
import type { ForwardFlags, InitFlags, StatusFlags } from "../etcd/operate.ts";
import type { ServeEtcdFlags } from "../etcd/serve.ts";
import { option, unsigned64, wholeNumber } from "../options.ts";
import { addAtLeastFlag, addJsonFlag, addOracleSettingFlags, addSeedFlag, addYesFlag } from "../store/flags.ts";
import { addServeFlags } from "./serve-flags.ts";
import { advertiseFlag, STORE_NOTES } from "./serve-store.ts";

export function etcdServeCommand(): Command {
  const command = addEtcdFlags(new Command("etcd"))
    .summary("serve from an etcd cluster: survives the loss of a minority, fails over between servers")
    .description(
      "serve from an etcd cluster: survives the loss of a minority, fails over between servers. Prepare it with 'etcd init'",
    );
  return addServeFlags(addOracleSettingFlags(advertiseFlag(command)))
    .addOption(
      option("--seq-key-cap <count>", "most sequence keys; the same for every server")
        .argParser(wholeNumber(0, 1_000_000))
        .default(DEFAULT_SEQ_KEY_CAP),
    )
    .action(async (flags: ServeEtcdFlags) => {
      const { serveEtcd } = await import("../etcd/serve.ts");
      await serveEtcd(flags);
    })
    .addHelpText(
      "after",
      `${STORE_NOTES}\nExamples:\n  tsoracle serve etcd --endpoints e1:2379,e2:2379,e3:2379 --listen 10.0.0.5:50551\n  tsoracle serve etcd --endpoints https://e1:2379 --username tso --password-file pw --prefix /tsoracle/main/ --listen 0.0.0.0:50551 --advertise a.example:50551`,
    );
}

function subcommand(name: string): Command {
  return addJsonFlag(addEtcdFlags(new Command(name)));
}

function initCommand(): Command {
  return addSeedFlag(addOracleSettingFlags(subcommand("init")))
    .description("make one oracle, once in its life; harmless to repeat")
    .action(async (flags: InitFlags) => {
      const { initEtcd } = await import("../etcd/operate.ts");
      await initEtcd(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle etcd init --endpoints e1:2379,e2:2379,e3:2379");
}

function statusCommand(): Command {
  return subcommand("status")
    .description("show what etcd holds of an oracle, and who stands for election; changes nothing")
    .action(async (flags: StatusFlags) => {
      const { showEtcdStatus } = await import("../etcd/operate.ts");
      await showEtcdStatus(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle etcd status --endpoints e1:2379,e2:2379,e3:2379 --json");
}

function fastForwardCommand(): Command {
  return addYesFlag(addAtLeastFlag(subcommand("fast-forward")), "go on: the jump cannot be undone")
    .description("let an oracle go on after its etcd was restored; all servers must be stopped")
    .addOption(
      option(
        "--above-epoch <epoch>",
        "the largest epoch that was ever seen, after a restore that did not move the revision of etcd",
      ).argParser(unsigned64),
    )
    .action(async (flags: ForwardFlags) => {
      const { fastForwardEtcd } = await import("../etcd/operate.ts");
      await fastForwardEtcd(flags);
    })
    .addHelpText(
      "after",
      "\nHow to find the values: docs/operate.md.\n\nExamples:\n  tsoracle etcd fast-forward --endpoints e1,e2,e3 --at-least 1800000000000 --above-epoch 5210 --yes",
    );
}

export function etcdCommand(): Command {
  return new Command("etcd")
    .description("prepare, inspect and repair an oracle in etcd")
    .usage("<command> [flags]")
    .action(() => {
      throw new CliError("usage", "etcd was given without a command: expected init, status or fast-forward");
    })
    .addCommand(initCommand())
    .addCommand(statusCommand())
    .addCommand(fastForwardCommand())
    .addHelpText("after", "\nExamples:\n  tsoracle etcd status --endpoints e1:2379,e2:2379,e3:2379");
}
