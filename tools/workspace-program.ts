// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import ts from "typescript";
import { type CommandResult, workspaceRoot } from "./run-command.ts";

/** What the compiler knows of the workspace. */
interface WorkspaceProgram {
  readonly program: ts.Program;
  /** What is wrong with the configuration itself. */
  readonly errors: readonly ts.Diagnostic[];
}

let known: WorkspaceProgram | undefined;

/**
 * Sources, tests, tools and examples as one program, resolved to sources. Reading and checking it takes most of a minute,
 * so the gates of one run share it; nothing in it changes with the files.
 */
export function workspaceProgram(): WorkspaceProgram {
  known ??= readProgram();
  return known;
}

/** Gives back the gigabyte that it takes; the next who asks reads it anew. */
export function forgetWorkspaceProgram(): void {
  known = undefined;
}

function readProgram(): WorkspaceProgram {
  const file = join(workspaceRoot, "tsconfig.tests.json");
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile) as {
    config?: { readonly include: readonly string[] };
    error?: ts.Diagnostic;
  };
  const include = [...(config?.include ?? []), "packages/*/src/**/*.ts"];
  const parsed = ts.parseJsonConfigFileContent({ ...config, include }, ts.sys, workspaceRoot, undefined, file);
  const errors = [...(error === undefined ? [] : [error]), ...parsed.errors];
  return { program: ts.createProgram(parsed.fileNames, parsed.options), errors };
}

/** Everything that the compiler has to say, as "tsc -p tsconfig.tests.json" would. */
export function checkTypes(): Promise<CommandResult> {
  const { program, errors } = workspaceProgram();
  const diagnostics = ts.sortAndDeduplicateDiagnostics([...errors, ...ts.getPreEmitDiagnostics(program)]);
  const output = ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => workspaceRoot,
    getNewLine: () => "\n",
  });
  return Promise.resolve({ code: diagnostics.length === 0 ? 0 : 1, output });
}
