// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { type CommandResult, runNode, workspaceRoot } from "./run-command.ts";

/** One program whose output is committed, and how it says whether the committed output is what it would write. */
interface Generated {
  readonly name: string;
  /** Arguments for Node, run in `cwd`; exit code 0 means that nothing differs. Writes nothing. */
  readonly check: readonly string[];
  readonly cwd: string;
  /** What a person runs to write the output anew. */
  readonly rewrite: string;
}

const generated: readonly Generated[] = [
  {
    name: "wire protocol (packages/proto/src/gen)",
    check: ["tools/generate.mjs", "--check"],
    cwd: "packages/proto",
    rewrite: "corepack pnpm --filter @tsoracle/proto generate",
  },
  {
    name: "command line reference (docs/reference/cli.md)",
    check: ["--conditions=tsoracle-source", "--import", "tsx", "scripts/generate-reference.ts", "--check"],
    cwd: "packages/cli",
    rewrite: "corepack pnpm --filter tsoracle generate",
  },
  {
    name: "what drivers declare (docs/choosing-a-driver.md)",
    check: ["--conditions=tsoracle-source", "--import=tsx", "tools/capability-table.ts", "--check"],
    cwd: ".",
    rewrite: "node --conditions=tsoracle-source --import=tsx tools/capability-table.ts",
  },
  {
    name: "clauses and their table (docs/contract.md, docs/reference/conformance.md)",
    check: ["--conditions=tsoracle-source", "--import=tsx", "tools/conformance.ts", "--check"],
    cwd: ".",
    rewrite: "corepack pnpm conformance",
  },
];

/** Asks every generator whether what is committed is what it would write now. */
export async function checkGenerated(): Promise<CommandResult> {
  const problems: string[] = [];
  for (const { name, check, cwd, rewrite } of generated) {
    const run = await runNode(check, { cwd: join(workspaceRoot, cwd) });
    if (run.code !== 0)
      problems.push(`${name} is not what its generator writes; run "${rewrite}" and commit\n${run.output}`);
  }
  return { code: problems.length === 0 ? 0 : 1, output: problems.join("\n") };
}
