// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { CliError } from "../cli-error.ts";

export function adminCommand(): Command {
  return new Command("admin")
    .summary("change the members of a cluster (not in this build)")
    .description("change the members of a cluster (not in this build: no driver here has members)")
    .argument("[words...]")
    .allowUnknownOption()
    .action(() => {
      throw new CliError(
        "usage",
        "admin is not in this build: it changes the members of a raft cluster, and the raft driver comes later",
      );
    });
}
