// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@tsoracle/client";
import { CliError } from "../cli-error.ts";
import type { ClientFlags } from "../client-flags.ts";
import { endOnSignals } from "../interrupt.ts";
import { runCallers } from "../load/callers.ts";
import { buildReport, type LoadReport } from "../load/load-report.ts";
import { Recorder } from "../load/recorder.ts";
import { readClientTls } from "../open-client.ts";
import { printFields, printJson } from "../output.ts";

export interface BenchRun extends ClientFlags {
  readonly callers: number;
  readonly seconds: number;
  readonly json?: true;
}

async function drive(run: BenchRun): Promise<LoadReport> {
  const client = createClient({ endpoints: run.endpoints, tls: readClientTls(run) });
  const recorder = new Recorder();
  const stop = new AbortController();
  const begin = performance.now();
  const load = runCallers({ clients: [client], callers: run.callers, batchOf: () => 1, recorder, signal: stop.signal });
  await sleep(run.seconds * 1_000);
  const end = performance.now();
  stop.abort();
  await load;
  return buildReport(recorder, { begin, end, callers: run.callers, kills: [], killsAsked: 0, injected: false });
}

/**
 * One connection, many callers, one timestamp a call: the shape in which coalescing matters most.
 *
 * @throws CliError `failed` when nothing was issued or the history breaks a promise
 */
export async function runBench(run: BenchRun): Promise<void> {
  endOnSignals();
  const report = await drive(run);
  const errors = Object.entries(report.unanswered).map(([code, count]) => `${count} ${code}`);
  if (run.json) await printJson(report);
  else
    await printFields([
      ["issued", `${report.issued} in ${report.seconds} s by ${report.callers} callers`],
      ["rate", `${report.perSecond} per second`],
      ["latency", `p50 ${report.p50Ms} ms, p99 ${report.p99Ms} ms`],
      ["calls given up", errors.length === 0 ? "0" : errors.join(", ")],
      ["duplicates", String(report.duplicates)],
      ["regressions", String(report.regressions)],
      ["real-time violations", String(report.realTimeViolations)],
    ]);
  if (report.issued === 0)
    throw new CliError("failed", `no timestamp was issued: ${errors.join(", ") || "no answer in time"}`);
  if (!report.ok) throw new CliError("failed", "the history breaks a promise; see above");
}
