// SPDX-License-Identifier: Apache-2.0
// `corepack pnpm conformance [--driver NAME] [--json FILE] [--check]`: runs the kit over our drivers. A
// run over all of them writes the table in docs/reference/conformance.md and the list of clauses in
// docs/contract.md; with --check it writes nothing and exits 1 if they are not what it would write.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  check,
  type Report,
  renderClauses,
  renderJson,
  renderMarkdown,
  renderReport,
  type Subject,
} from "@tsoracle/conformance";
import { workspaceRoot } from "./run-command.ts";

/** Our drivers, some in more than one setting, each loaded only when it is run. */
const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  memory: async () => (await import("../packages/conformance/test/memory-subject.ts")).memorySubject(),
  file: async () => (await import("../packages/driver-file/test/subject.ts")).fileSubject(),
  "file-power-cut": async () => (await import("../packages/driver-file/test/power-cut-subject.ts")).powerCutSubject(),
  quorum: async () => (await import("../packages/quorum/test/subject.ts")).quorumSubject(),
  "quorum-of-files": async () =>
    (await import("../packages/driver-file/test/mirrored-subject.ts")).mirroredFileSubject(),
};

const TABLE = join(workspaceRoot, "docs/reference/conformance.md");
const CONTRACT = join(workspaceRoot, "docs/contract.md");
/** What stands between these marks in the contract page is generated. */
const BEGIN = "<!-- clauses: written by `corepack pnpm conformance` -->";
const END = "<!-- end of clauses -->";

const HEAD = `# Conformance of the drivers

What each driver promises, and how it does on every clause of the [contract](../contract.md). Written by
\`corepack pnpm conformance\`, which runs the kit over the real stores with fixed seeds; do not edit it by hand.

- **pass**: the clause was exercised and holds.
- **gap-confirmed**: the driver breaks the clause, as its subject says, with the reason below.
- **not-applicable**: the clause is about something that this driver does not claim or cannot have.
- **unexercised**: the harness cannot inject the fault; the reason is below. It is not a pass.

`;

interface Arguments {
  readonly driver: string | undefined;
  readonly json: string | undefined;
  readonly check: boolean;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: { driver: { type: "string" }, json: { type: "string" }, check: { type: "boolean", default: false } },
  });
  const { driver, json } = values;
  if (driver !== undefined && !Object.hasOwn(subjects, driver)) {
    throw new TypeError(`--driver: expected one of ${Object.keys(subjects).join(", ")}, got '${driver}'`);
  }
  return { driver, json, check: values.check };
}

async function runAll(names: readonly string[]): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (const name of names) {
    const subject = await subjects[name]?.();
    if (subject === undefined) continue;
    const report = await check(subject);
    reports.push(report);
    console.log(renderReport(report));
  }
  return reports;
}

/** The contract page with its list of clauses replaced. */
async function contractPage(): Promise<string> {
  const page = await readFile(CONTRACT, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new TypeError(`docs/contract.md has lost the mark ${BEGIN}`);
  return `${before}${BEGIN}\n\n${renderClauses()}\n${END}${after}`;
}

async function settlePages(reports: readonly Report[], checkOnly: boolean): Promise<boolean> {
  const pages = [
    [TABLE, HEAD + renderMarkdown(reports)],
    [CONTRACT, await contractPage()],
  ] as const;
  let same = true;
  for (const [path, text] of pages) {
    if (!checkOnly) await writeFile(path, text);
    else if ((await readFile(path, "utf8").catch(() => "")) !== text) {
      console.error(`${path} is not what a run writes`);
      same = false;
    }
  }
  return same;
}

async function main(): Promise<number> {
  const { driver, json, check: checkOnly } = readArguments();
  const reports = await runAll(driver === undefined ? Object.keys(subjects) : [driver]);
  if (json !== undefined) await writeFile(json, renderJson(reports));
  const conform = reports.every(({ ok }) => ok);
  // A table of one driver would drop the others, and one of failures is not for publication.
  const same = driver === undefined && conform ? await settlePages(reports, checkOnly) : true;
  return conform && same ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
