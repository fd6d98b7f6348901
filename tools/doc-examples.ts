// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type CommandResult, runDependency, runNode, workspaceRoot } from "./run-command.ts";

/**
 * Examples in the documentation are programs. A TypeScript fence says after the language what it is:
 * `ts run` is compiled and must exit 0, `ts check` is compiled, `ts sketch` is an excerpt that cannot stand
 * alone. They are compiled against the built packages, as a reader's program would be.
 */
export type FenceKind = "run" | "check" | "sketch";

export interface Fence {
  /** Path of the page, relative to the root, with forward slashes. */
  readonly page: string;
  /** Line of the first line of code, counted from 1. */
  readonly line: number;
  /** Undefined when the fence does not say what it is. */
  readonly kind: FenceKind | undefined;
  readonly code: string;
}

const OPENING = /^(?<indent>\s*)(?<ticks>`{3,})(?:ts|typescript)\b(?<rest>.*)$/;
/** Each run has a folder of its own below it, at the depth that the configuration of the compiler expects. */
const WORKING_FOLDER = ".tmp";
const RUN_LIMIT_MS = 60_000;

/** The TypeScript fences of one page, in order. */
export function fencesOf(page: string, markdown: string): Fence[] {
  const lines = markdown.split(/\r?\n/);
  const fences: Fence[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const opening = OPENING.exec(lines[index] ?? "")?.groups;
    if (opening === undefined) continue;
    const { indent = "", ticks = "```", rest = "" } = opening;
    const from = index + 1;
    do index += 1;
    while (index < lines.length && lines[index]?.trim() !== ticks);
    const code = lines.slice(from, index).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    fences.push({ page, line: from + 1, kind: kindOf(rest), code: code.join("\n") });
  }
  return fences;
}

function kindOf(rest: string): FenceKind | undefined {
  const word = rest.trim().split(/\s+/)[0];
  return word === "run" || word === "check" || word === "sketch" ? word : undefined;
}

/** README.md, the pages below docs/, and the READMEs of packages and examples. */
function pages(): string[] {
  const below = (folder: string): string[] =>
    existsSync(join(workspaceRoot, folder)) ? readdirSync(join(workspaceRoot, folder)).sort() : [];
  const docs = existsSync(join(workspaceRoot, "docs"))
    ? readdirSync(join(workspaceRoot, "docs"), { recursive: true, encoding: "utf8" }).map((name) => join("docs", name))
    : [];
  return [
    "README.md",
    ...docs.filter((name) => name.endsWith(".md")).sort(),
    ...below("packages").map((name) => join("packages", name, "README.md")),
    ...below("examples").map((name) => join("examples", name, "README.md")),
  ].filter((name) => existsSync(join(workspaceRoot, name)));
}

/** The file a fence is written to; the code stands on the line it has in its page, so that errors point there. */
function fileOf({ page, line }: Fence): string {
  return `${page.replaceAll("/", "__")}.${line}.ts`;
}

/** Compiles all examples together, then runs those that ask for it, one after the other. */
export async function checkDocExamples(): Promise<CommandResult> {
  const fences = pages().flatMap((page) =>
    fencesOf(page.split(sep).join("/"), readFileSync(join(workspaceRoot, page), "utf8")),
  );
  const problems = fences
    .filter(({ kind }) => kind === undefined)
    .map(({ page, line }) => `${page}:${line - 1}: say what this example is: "ts run", "ts check" or "ts sketch"`);
  const programs = fences.filter(({ kind }) => kind === "run" || kind === "check");
  mkdirSync(join(workspaceRoot, WORKING_FOLDER), { recursive: true });
  const folder = mkdtempSync(join(workspaceRoot, WORKING_FOLDER, "doc-examples-"));
  try {
    const errors = await compile(folder, programs);
    problems.push(...errors);
    for (const fence of errors.length === 0 ? programs : []) {
      if (fence.kind === "run") problems.push(...(await execute(folder, fence)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { code: problems.length === 0 ? 0 : 1, output: problems.map((problem) => `${problem}\n`).join("") };
}

async function compile(folder: string, programs: readonly Fence[]): Promise<string[]> {
  if (programs.length === 0) return [];
  for (const fence of programs) writeFileSync(join(folder, fileOf(fence)), "\n".repeat(fence.line - 1) + fence.code);
  const emitted = { noEmit: false, allowImportingTsExtensions: false, sourceMap: true };
  const compilerOptions = { rootDir: ".", customConditions: [], noUnusedLocals: false, ...emitted };
  const configuration = { extends: "../../tsconfig.tests.json", compilerOptions, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(configuration));
  const { code, output } = await runDependency("typescript", "bin/tsc", ["-p", folder, "--pretty", "false"]);
  return code === 0 ? [] : [inPages(output, folder, programs).trimEnd()];
}

async function execute(folder: string, fence: Fence): Promise<string[]> {
  const started = Date.now();
  // The compiler has written it beside the source; a loader would read and translate it once more.
  const program = join(folder, fileOf(fence).replace(/\.ts$/, ".js"));
  const { code, output } = await runNode(["--enable-source-maps", program], { timeoutMs: RUN_LIMIT_MS });
  if (code === 0) return [];
  const reason =
    Date.now() - started >= RUN_LIMIT_MS ? `did not end within ${RUN_LIMIT_MS / 1_000} s` : `exited ${code}`;
  return [`${fence.page}:${fence.line}: the example ${reason}\n${inPages(output, folder, [fence]).trimEnd()}`];
}

/** Puts the page's own name where a message names the working file. */
function inPages(output: string, workingFolder: string, fences: readonly Fence[]): string {
  const folder = relative(process.cwd(), workingFolder).split(sep).join("/");
  return fences.reduce(
    (text, fence) => text.replaceAll(`${folder}/${fileOf(fence)}`, fence.page).replaceAll(fileOf(fence), fence.page),
    output,
  );
}
