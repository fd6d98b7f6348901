// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { check, loadSubject, type Report, renderJson, renderReport, type Subject } from "@tsoracle/conformance";
import { CliError, oneLine } from "../cli-error.ts";
import { printLine } from "../output.ts";

export interface ConformanceRun {
  /** A path, or the name of a package. */
  readonly subject: string;
  /** `-` is standard output. */
  readonly jsonFile: string | undefined;
  readonly strict: boolean;
  readonly seed: number | undefined;
  readonly runs: number | undefined;
}

/** A path is taken as one if it exists; otherwise the word is resolved as a package of the working directory. */
function moduleUrl(subject: string): string {
  const path = resolve(subject);
  if (existsSync(path)) return pathToFileURL(path).href;
  try {
    return pathToFileURL(createRequire(`${process.cwd()}/`).resolve(subject)).href;
  } catch {
    throw new CliError(
      "usage",
      `subject-module: expected the path of a module or the name of an installed package, got '${subject}'`,
    );
  }
}

async function load(subject: string): Promise<Subject> {
  const url = moduleUrl(subject);
  try {
    return await loadSubject(url);
  } catch (error) {
    throw new CliError("usage", `subject-module '${subject}' could not be loaded: ${oneLine(error)}`, { cause: error });
  }
}

async function writeReport(report: Report, jsonFile: string | undefined): Promise<void> {
  if (jsonFile === "-") {
    await printLine(renderJson(report).trimEnd());
    return;
  }
  await printLine(renderReport(report).trimEnd());
  if (jsonFile === undefined) return;
  try {
    await writeFile(jsonFile, renderJson(report));
  } catch (error) {
    throw new CliError("failed", `--json: the report could not be written: ${oneLine(error)}`, { cause: error });
  }
}

/** @throws CliError `usage` when there is no subject to judge, `failed` when the driver does not conform */
export async function runConformance(run: ConformanceRun): Promise<void> {
  const subject = await load(run.subject);
  const report = await check(subject, { strict: run.strict, seed: run.seed, runs: run.runs });
  await writeReport(report, run.jsonFile);
  if (!report.ok) throw new CliError("failed", `driver '${report.subject}' does not conform; see the report`);
}
