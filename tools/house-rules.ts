// SPDX-License-Identifier: Apache-2.0
import ts from "typescript";

/** A file of the workspace: path relative to the root with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export const SOURCE_LINES_MAX = 400;

const SPDX = "// SPDX-License-Identifier: Apache-2.0";

/** Every source says under which licence it is, in its first line or, in a program, after the `#!` line. */
export function spdxProblems({ path, text }: SourceFile): string[] {
  const [first = "", second = ""] = text.split("\n");
  const line = first.startsWith("#!") ? second : first;
  return line.trimEnd() === SPDX ? [] : [`${path}:1: begin the file with "${SPDX}"`];
}

/** Long files hide several things; one file holds the one thing it is named after. */
export function sizeProblems({ path, text }: SourceFile): string[] {
  const lines = text.trimEnd().split("\n").length;
  if (lines <= SOURCE_LINES_MAX) return [];
  return [`${path}: ${lines} lines, more than ${SOURCE_LINES_MAX}; split it by the things it holds`];
}

/** Folders that exist on one machine only: a leading slash that follows neither a name nor a dot. */
const MACHINE_PATH = /(?<![\w.\-/~}*])\/(?:work|root|home|tmp|Users)\/[\w.$-]+/g;

/** Nothing names a place on somebody's machine, neither in code nor in text. */
export function machinePathProblems({ path, text }: SourceFile): string[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(MACHINE_PATH)].map(
        ([found]) => `${path}:${index + 1}: ${found} is a path of one machine; use a relative or temporary folder`,
      ),
    );
}

/** What reads a clock, waits or draws at random, with the line where it does. */
export interface AmbientUse {
  readonly what: string;
  readonly line: number;
}

const AMBIENT_MEMBERS: Readonly<Record<string, readonly string[]>> = { Date: ["now"], Math: ["random"] };
const AMBIENT_FUNCTIONS: ReadonlySet<string> = new Set(["setTimeout", "setInterval"]);
const AMBIENT_MODULES: ReadonlySet<string> = new Set(["node:timers", "node:timers/promises"]);

/**
 * Uses of the wall clock, of timers and of unseeded randomness. Reads the syntax tree, so that comments and
 * strings do not count. `new Date()` without an argument is a reading of the clock too.
 */
export function ambientUses(file: SourceFile): AmbientUse[] {
  const uses: AmbientUse[] = [];
  walk(file, (node, line) => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const [owner, member] = [node.expression.text, node.name.text];
      if (Object.hasOwn(AMBIENT_MEMBERS, owner) && AMBIENT_MEMBERS[owner]?.includes(member) === true) {
        uses.push({ what: `${owner}.${member}`, line });
      }
    } else if (ts.isIdentifier(node) && AMBIENT_FUNCTIONS.has(node.text) && !isTypePosition(node)) {
      uses.push({ what: node.text, line });
    } else if (
      ts.isNewExpression(node) &&
      node.expression.getText() === "Date" &&
      (node.arguments?.length ?? 0) === 0
    ) {
      uses.push({ what: "new Date()", line });
    } else if (ts.isStringLiteral(node) && AMBIENT_MODULES.has(node.text) && ts.isImportDeclaration(node.parent)) {
      uses.push({ what: node.text, line });
    }
  });
  return uses;
}

/** `typeof setTimeout` in a type only names it. */
function isTypePosition(node: ts.Node): boolean {
  return ts.isTypeQueryNode(node.parent);
}

/**
 * Judges the uses of time and chance in sources against the list of files and folders that may have them.
 *
 * @param allowed reason by path, or by folder with a final slash; a reason that nothing needs any more is a
 * problem as well
 */
export function ambientProblems(files: readonly SourceFile[], allowed: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  const needed = new Set<string>();
  for (const file of files) {
    const uses = ambientUses(file);
    const entry = Object.keys(allowed).find((key) =>
      key.endsWith("/") ? file.path.startsWith(key) : file.path === key,
    );
    if (entry === undefined) problems.push(...uses.map((use) => unlisted(file, use)));
    else if (uses.length > 0) needed.add(entry);
  }
  const stale = Object.keys(allowed).filter((entry) => !needed.has(entry));
  return [
    ...problems,
    ...stale.map((entry) => `tools/ambient-allowed.ts: nothing needs the entry ${entry} any more; remove it`),
  ];
}

function unlisted({ path }: SourceFile, { what, line }: AmbientUse): string {
  return (
    `${path}:${line}: ${what}; take time, waiting and chance as arguments, or, if this file is a shell ` +
    "that owns them, add it with its reason to tools/ambient-allowed.ts"
  );
}

const TEST_FUNCTIONS: ReadonlySet<string> = new Set(["it", "test", "describe", "suite"]);
const FORBIDDEN_MODIFIERS: ReadonlySet<string> = new Set(["skip", "only", "todo", "skipIf", "runIf", "fails"]);

/** A test runs or does not exist. Gaps of a driver are declared in the kit, where they go stale loudly. */
export function testModifierProblems(file: SourceFile): string[] {
  const problems: string[] = [];
  walk(file, (node, line) => {
    if (!ts.isPropertyAccessExpression(node) || !FORBIDDEN_MODIFIERS.has(node.name.text)) return;
    let owner: ts.Expression = node.expression;
    while (ts.isPropertyAccessExpression(owner)) owner = owner.expression;
    if (ts.isIdentifier(owner) && TEST_FUNCTIONS.has(owner.text)) {
      problems.push(`${file.path}:${line}: ${owner.text}.${node.name.text}; make the test run, or delete it`);
    }
  });
  return problems;
}

function walk({ path, text }: SourceFile, visit: (node: ts.Node, line: number) => void): void {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const step = (node: ts.Node): void => {
    visit(node, tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1);
    node.forEachChild(step);
  };
  step(tree);
}
