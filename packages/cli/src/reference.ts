// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { createProgram } from "./program.ts";

const WIDTH = 110;
const HEAD = [
  "# Command line",
  "",
  "Written by `corepack pnpm --filter tsoracle generate` from the help of the program; do not edit.",
  "",
].join("\n");
const FENCE = "`".repeat(3);

/** A command and all below it, in the order of the help. Commands without an action of their own come first. */
function below(command: Command, path: string): { readonly path: string; readonly command: Command }[] {
  const here = { path, command };
  return [here, ...command.commands.flatMap((child) => below(child, `${path} ${child.name()}`))];
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trimEnd();
}

/** The page `docs/reference/cli.md`: the help of every command. It contains no version, so that it changes only with the help. */
export function renderReference(): string {
  const program = createProgram();
  const sections = below(program, "tsoracle").map(({ path, command }) =>
    [`## \`${path}\``, "", `${FENCE}text`, helpOf(command), FENCE, ""].join("\n"),
  );
  return [HEAD, ...sections].join("\n");
}
