// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { environmentName } from "../src/options.ts";
import { createProgram } from "../src/program.ts";
import { renderReference } from "../src/reference.ts";

const page = new URL("../../../docs/reference/cli.md", import.meta.url);

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

describe("command line reference", () => {
  it("is what the program's help says (else: corepack pnpm --filter tsoracle generate)", () => {
    expect(readFileSync(page, "utf8")).toBe(renderReference());
  });

  it("names an environment variable for every visible flag", () => {
    const flags = allCommands(createProgram()).flatMap(({ options }) => options.filter(({ hidden }) => !hidden));
    const named = flags.filter(({ long }) => long !== "--version" && long !== "--help");
    expect(named.length).toBeGreaterThan(20);
    for (const { long, envVar } of named) expect(envVar).toBe(environmentName(long ?? ""));
  });
});
