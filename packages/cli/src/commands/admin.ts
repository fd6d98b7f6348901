// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import type { AddLearnerFlags, AdminFlags, MemberFlags, RemoveFlags } from "../admin/run.ts";
import { CliError } from "../cli-error.ts";
import { addCallFlags } from "../client-flags.ts";
import { endpointList, namePattern, option, peerAddress } from "../options.ts";
import { memberId } from "../raft/members.ts";
import { addJsonFlag } from "../store/flags.ts";

function subcommand(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .addOption(
      option(
        "--endpoint <list>",
        "operators' ports of members, HOST:PORT separated by commas; one is enough, it names the leader",
      )
        .argParser(endpointList)
        .makeOptionMandatory(),
    );
  return addJsonFlag(addCallFlags(command));
}

function memberCommand(name: string, description: string): Command {
  return subcommand(name, description).addOption(
    option("--id <number>", "which member").argParser(memberId).makeOptionMandatory(),
  );
}

function membersCommand(): Command {
  return subcommand("members", "list the members of the cluster and who leads it")
    .action(async (flags: AdminFlags) => {
      const { showMembers } = await import("../admin/run.ts");
      await showMembers(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle admin members --endpoint 127.0.0.1:51002");
}

function addLearnerCommand(): Command {
  const endpoint = (flag: string, description: string) =>
    option(`${flag} <address>`, description).argParser(peerAddress);
  return memberCommand("add-learner", "let a formatted node join, without a vote")
    .addOption(endpoint("--raft-addr", "HOST:PORT where members reach it").makeOptionMandatory())
    .addOption(endpoint("--service-endpoint", "HOST:PORT where clients reach it").makeOptionMandatory())
    .addOption(endpoint("--admin-endpoint", "HOST:PORT where operators reach it, if they do"))
    .addOption(
      option("--storage-id <id>", "which disk it has, as 'raft format --join' printed it")
        .argParser(namePattern(/^[0-9a-f]{32}$/, "expected 32 hexadecimal digits"))
        .makeOptionMandatory(),
    )
    .action(async (flags: AddLearnerFlags) => {
      const { addLearner } = await import("../admin/run.ts");
      await addLearner(flags);
    })
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle admin add-learner --endpoint 10.0.0.1:51002 --id 4 --raft-addr 10.0.0.4:51001 --service-endpoint 10.0.0.4:50551 --admin-endpoint 10.0.0.4:51002 --storage-id 0123456789abcdef0123456789abcdef",
    );
}

function promoteCommand(): Command {
  return memberCommand("promote", "give a learner a vote, as soon as it has caught up")
    .action(async (flags: MemberFlags) => {
      const { promote } = await import("../admin/run.ts");
      await promote(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle admin promote --endpoint 10.0.0.1:51002 --id 4");
}

function removeCommand(): Command {
  return memberCommand("remove", "remove a member for good; a leader hands over first. Its id never comes back")
    .addOption(option("--force", "also if too few of the voters that are left are heard from"))
    .action(async (flags: RemoveFlags) => {
      const { remove } = await import("../admin/run.ts");
      await remove(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle admin remove --endpoint 10.0.0.1:51002 --id 1");
}

function transferCommand(): Command {
  return memberCommand("transfer", "make a voter the leader")
    .action(async (flags: MemberFlags) => {
      const { transfer } = await import("../admin/run.ts");
      await transfer(flags);
    })
    .addHelpText("after", "\nExamples:\n  tsoracle admin transfer --endpoint 10.0.0.1:51002 --id 2");
}

export function adminCommand(): Command {
  return new Command("admin")
    .description("change the members of a raft cluster, through a port that --admin-listen has opened")
    .usage("<command> [flags]")
    .action(() => {
      throw new CliError(
        "usage",
        "admin was given without a command: expected members, add-learner, promote, remove or transfer",
      );
    })
    .addCommand(membersCommand())
    .addCommand(addLearnerCommand())
    .addCommand(promoteCommand())
    .addCommand(removeCommand())
    .addCommand(transferCommand())
    .addHelpText(
      "after",
      "\nChanges are idempotent by id: after an unclear answer, run the same command again.\n\nExamples:\n  tsoracle admin members --endpoint 127.0.0.1:51002",
    );
}
