// SPDX-License-Identifier: Apache-2.0
import { checkDocExamples } from "./doc-examples.ts";
import { checkFloatingPromises } from "./floating-promises.ts";
import { checkGenerated } from "./generated.ts";
import { manifestViolations, readManifests } from "./layers.ts";
import { type CommandResult, runDependency, runNode, workspaceRoot } from "./run-command.ts";
import { checkTypes } from "./workspace-program.ts";

/** One thing that must hold for every commit. */
export interface Gate {
  readonly name: string;
  /** What a person does when it fails. */
  readonly advice: string;
  run(): Promise<CommandResult>;
}

const biome = (...args: readonly string[]): Promise<CommandResult> =>
  runDependency("@biomejs/biome", "bin/biome", [...args, "--colors=off", "--max-diagnostics=200", "."]);

const tsc = (...args: readonly string[]): Promise<CommandResult> =>
  runDependency("typescript", "bin/tsc", [...args, "--pretty", "false"]);

/** In order: what is cheap and what others build on comes first. */
export const gates: readonly Gate[] = [
  {
    name: "lockfile",
    advice: 'Run "corepack pnpm install" and commit pnpm-lock.yaml with the package.json that changed.',
    run: () =>
      runDependency("pnpm", "bin/pnpm.cjs", [
        ...["install", "--frozen-lockfile", "--lockfile-only", "--ignore-scripts", "--offline"],
      ]),
  },
  {
    name: "build",
    advice: "Fix the compiler errors in src/.",
    run: () => tsc("-b"),
  },
  {
    name: "types",
    advice: "Fix the compiler errors in tests, tools and examples; dead lines that expect an error count too.",
    run: checkTypes,
  },
  {
    name: "promises",
    advice: "A promise that nobody waits for loses its error.",
    run: checkFloatingPromises,
  },
  {
    name: "format",
    advice: 'Run "corepack pnpm format".',
    run: () => biome("format"),
  },
  {
    name: "lint",
    advice: 'Fix what is named; "corepack pnpm format" applies the safe fixes.',
    run: () => biome("check", "--formatter-enabled=false", "--error-on-warnings"),
  },
  {
    name: "house rules",
    advice: "Each failed fact says what to do (tools/tidy.test.ts, STYLE.md).",
    run: () => runDependency("vitest", "vitest.mjs", ["run", "tools/tidy.test.ts", "--reporter=dot"]),
  },
  {
    name: "layers",
    advice: "Move the code, or turn the arrow round: ARCHITECTURE.md explains the layers, tools/layers.mjs holds them.",
    run: checkLayers,
  },
  {
    name: "dead code",
    advice: "Delete what nothing uses, or name the dependency that is used (knip.json).",
    run: () => runDependency("knip", "bin/knip.js", ["--no-progress", "--no-config-hints"]),
  },
  {
    name: "generated",
    advice: "Generated files are committed as their generator writes them.",
    run: checkGenerated,
  },
  {
    name: "documentation",
    advice: "Correct the example; readers copy it.",
    run: checkDocExamples,
  },
  {
    name: "packages",
    advice: "What users would install is malformed: see publint's and attw's message.",
    run: () => runNode(["tools/pack-check.mjs", ...publishedFolders()]),
  },
];

/** The same as "turbo run pack-check", which does it for one package after the other but leaves out what did not change. */
function publishedFolders(): string[] {
  const published = [...readManifests(workspaceRoot)].filter(([, manifest]) => manifest.private !== true);
  return published.map(([folder]) => `packages/${folder}`);
}

async function checkLayers(): Promise<CommandResult> {
  const imports = await runNode([
    "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
    ...["--config", ".dependency-cruiser.mjs", "--output-type", "err-long"],
    ...["packages", "examples", "tools"],
  ]);
  const manifests = manifestViolations(readManifests(workspaceRoot));
  return {
    code: imports.code === 0 && manifests.length === 0 ? 0 : 1,
    output: imports.output + manifests.map((sentence) => `${sentence}\n`).join(""),
  };
}
