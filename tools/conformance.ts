// SPDX-License-Identifier: Apache-2.0
// `corepack pnpm conformance [--driver NAME | --journal NAME] [--json FILE] [--check]`: runs the kit over our drivers, or
// the kit of session journals over one of our stores (`--journal all` for each), which writes no page; on real servers
// where they have any, which it starts and ends. A run over all of them writes the table in
// docs/reference/conformance.md and the list of clauses in docs/contract.md.
//
// --check writes nothing, starts no server, and exits 1 if the pages are not what a run writes. It runs the subjects that
// live in this process. For those on servers it compares the page with everything that is known without running them:
// clauses, capabilities, faults, and which clause is declared a gap, waived or not applicable; every other clause must
// stand there as a pass, because a run with a failure is never written. That they do pass is tested with each driver:
// its tests run the same kit over the same subject.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type ClauseResult,
  check,
  checkJournal,
  declaredReport,
  type Report,
  renderClauses,
  renderJson,
  renderMarkdown,
  renderReport,
} from "@tsoracle/conformance";
import { JOURNAL_SUBJECTS, SUBJECTS, type SubjectEntry } from "./conformance-subjects.ts";
import { workspaceRoot } from "./run-command.ts";
import { Servers } from "./servers.ts";

const TABLE = join(workspaceRoot, "docs/reference/conformance.md");
const CONTRACT = join(workspaceRoot, "docs/contract.md");
/** What stands between these marks in the contract page is generated. */
const BEGIN = "<!-- clauses: written by `corepack pnpm conformance` -->";
const END = "<!-- end of clauses -->";

/** Clauses on real servers mostly wait, for tenures to run out and for disks; each has a universe of its own. */
const AT_ONCE = 3;
/** For a clause on real servers: what goes wrong there costs elections, and the machine may be busy with others. */
const PATIENCE_MS = 60_000;

const HEAD = `# Conformance of the drivers

What each driver promises, and how it does on every clause of the [contract](../contract.md). Written by
\`corepack pnpm conformance\`, which runs the kit over the real stores with fixed seeds; do not edit it by hand. A run in
which anything fails writes nothing. \`corepack pnpm check\` runs the columns that need no server again, and compares the
others with what their subjects declare; the tests of those drivers run the kit on real servers.

- **pass**: the clause was exercised and holds.
- **gap-confirmed**: the driver breaks the clause, as its subject says, with the reason below.
- **not-applicable**: the clause is about something that this driver does not claim or cannot have.
- **unexercised**: the harness cannot inject the fault; the reason is below. It is not a pass.

`;

interface Arguments {
  readonly driver: string | undefined;
  readonly journal: string | undefined;
  readonly json: string | undefined;
  readonly check: boolean;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      driver: { type: "string" },
      journal: { type: "string" },
      json: { type: "string" },
      check: { type: "boolean", default: false },
    },
  });
  const { driver, journal, json } = values;
  if (journal !== undefined && journal !== "all" && !Object.hasOwn(JOURNAL_SUBJECTS, journal)) {
    throw new TypeError(
      `--journal: expected all or one of ${Object.keys(JOURNAL_SUBJECTS).join(", ")}, got '${journal}'`,
    );
  }
  if (driver !== undefined && !Object.hasOwn(SUBJECTS, driver)) {
    throw new TypeError(`--driver: expected one of ${Object.keys(SUBJECTS).join(", ")}, got '${driver}'`);
  }
  return { driver, journal, json, check: values.check };
}

async function reportOn({ isStoreBacked, load }: SubjectEntry, servers: Servers, checkOnly: boolean): Promise<Report> {
  const subject = await load(servers);
  if (!isStoreBacked) return await check(subject);
  if (checkOnly) return declaredReport(subject);
  const onResult = ({ id, outcome }: ClauseResult): void => console.error(`${subject.name}: ${id} ${outcome}`);
  return await check(subject, { concurrency: AT_ONCE, timeoutMs: PATIENCE_MS, onResult });
}

async function reportOnAll(names: readonly string[], servers: Servers, checkOnly: boolean): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (const name of names) {
    const entry = SUBJECTS[name];
    if (entry === undefined) continue;
    const report = await reportOn(entry, servers, checkOnly);
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

/** The kit of journals; each clause is told as it stands. */
async function judgeJournals(names: readonly string[], servers: Servers, json: string | undefined): Promise<number> {
  const reports = [];
  for (const name of names) {
    const load = JOURNAL_SUBJECTS[name];
    if (load === undefined) continue;
    const report = await checkJournal(await load(servers), { timeoutMs: PATIENCE_MS });
    reports.push(report);
    console.log(`${report.subject}: ${report.ok ? "conforms" : "does NOT conform"}`);
    for (const { id, outcome, detail } of report.results) console.log(`  ${id}: ${outcome}${detail && `, ${detail}`}`);
  }
  if (json !== undefined) await writeFile(json, `${JSON.stringify(reports, null, 2)}\n`);
  return reports.every(({ ok }) => ok) ? 0 : 1;
}

async function main(servers: Servers): Promise<number> {
  const { driver, journal, json, check: checkOnly } = readArguments();
  if (journal !== undefined) {
    return await judgeJournals(journal === "all" ? Object.keys(JOURNAL_SUBJECTS) : [journal], servers, json);
  }
  const inTable = Object.keys(SUBJECTS).filter((name) => SUBJECTS[name]?.isVariant === false);
  const reports = await reportOnAll(driver === undefined ? inTable : [driver], servers, checkOnly);
  if (json !== undefined) await writeFile(json, renderJson(reports));
  const conform = reports.every(({ ok }) => ok);
  // A table of one driver would drop the others, and one of failures is not for publication.
  const same = driver === undefined && conform ? await settlePages(reports, checkOnly) : true;
  return conform && same ? 0 : 1;
}

const servers = new Servers();
/** The servers die with this process in any case; this also deletes their data. */
const interrupted = (): void => void servers[Symbol.asyncDispose]().finally(() => process.exit(130));
process.once("SIGINT", interrupted);
process.once("SIGTERM", interrupted);
try {
  process.exitCode = await main(servers);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
} finally {
  await servers[Symbol.asyncDispose]();
}
