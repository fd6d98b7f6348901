// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@tsoracle/client";
import { LOGICAL_MAX, packTimestamp } from "@tsoracle/core";
import { openFileDriver } from "@tsoracle/driver-file";
import { runCallers } from "../load/callers.ts";
import { buildReport, type Kill, type LoadReport } from "../load/load-report.ts";
import { Recorder } from "../load/recorder.ts";
import { killLoop } from "./kill-loop.ts";
import { grouped, type Screen } from "./screen.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

export interface DemoOptions {
  readonly seconds: number;
  readonly kills: number;
  readonly injectViolation: boolean;
  readonly screen: Screen;
}

/** Independent clients, each with connections of its own, and the callers that share them. */
const CLIENTS = 4;
const CALLERS = 32;

/** On a slow machine the kills may take longer than planned, but not beyond this. */
const LIMIT_MS = 22_000;

/** Every fourth caller takes batches. */
const demoBatch = (caller: number): number => (caller % 4 === 3 ? 20 : 1);

/** A directory that is gone when the process is, whichever way it ends short of SIGKILL. */
function temporaryStateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tsoracle-demo-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** Shows how far it is, once a second or more often on a terminal; returns how to stop. */
function showProgress(screen: Screen, recorder: Recorder, begin: number): () => void {
  let [issuedBefore, before] = [recorder.issued, begin];
  const timer = setInterval(() => {
    const now = performance.now();
    const rate = (recorder.issued - issuedBefore) / ((now - before) / 1_000);
    const seconds = ((now - begin) / 1_000).toFixed(0).padStart(3);
    screen.live(`  ${seconds} s  ${grouped(recorder.issued).padStart(11)} timestamps  ${grouped(rate).padStart(9)}/s`);
    [issuedBefore, before] = [recorder.issued, now];
  }, screen.liveIntervalMs);
  return () => clearInterval(timer);
}

async function stopOrderly(server: ServerProcess): Promise<void> {
  server.signal("SIGTERM");
  const end = await server.ended;
  if (end.code !== 0) throw new Error(`after SIGTERM the server ended with ${end.signal ?? `exit ${end.code}`}, not 0`);
}

/**
 * Recovers the high-water from the directory as the dead server left it, and compares it with what callers hold. The
 * server that comes next would skip what is not covered by accident of the clock, so only now can it be seen.
 */
async function isCovered(stateDir: string, recorder: Recorder): Promise<boolean> {
  const driver = await openFileDriver({ stateDir });
  try {
    return recorder.largest <= packTimestamp(await driver.loadHighWater(), LOGICAL_MAX);
  } finally {
    await driver[Symbol.asyncDispose]();
  }
}

/** Callers and kills at the same time. The first failure of either ends both. */
async function driveAndKill(
  first: ServerProcess,
  stateDir: string,
  recorder: Recorder,
  options: DemoOptions,
): Promise<Kill[]> {
  const { screen } = options;
  const stop = new AbortController();
  const clients = Array.from({ length: CLIENTS }, () => createClient({ endpoints: [first.address] }));
  const callers = runCallers({ clients, callers: CALLERS, batchOf: demoBatch, recorder, signal: stop.signal });
  const kills: Kill[] = [];
  const killing = killLoop({
    first,
    stateDir,
    kills: options.kills,
    plannedMs: options.seconds * 1_000,
    limitMs: LIMIT_MS,
    nextAnswer: () => recorder.nextAnswer(),
    isCovered: () => isCovered(stateDir, recorder),
    onKill: (pid) => screen.line(`  ${screen.paint("red", "kill -9")}  process ${pid}`),
    onBack: (kill, server) => {
      kills.push(kill);
      const ms = grouped(kill.backAt - kill.at);
      screen.line(`  ${screen.paint("green", "serving")}  process ${server.pid}, after ${ms} ms`);
    },
  });
  try {
    const server = await Promise.race([killing, callers.then(() => killing)]);
    stop.abort();
    await callers;
    await stopOrderly(server);
    return kills;
  } finally {
    stop.abort();
  }
}

/**
 * Serves with the file driver in a process of its own, drives it with concurrent callers, kills it with SIGKILL and
 * starts it again, and judges everything that the callers got.
 *
 * @throws Error when the server cannot be run at all; a violation is not thrown but reported
 */
export async function runDemo(options: DemoOptions): Promise<LoadReport> {
  const { screen } = options;
  const stateDir = temporaryStateDirectory();
  const first = await startServerProcess({ stateDir, listen: "127.0.0.1:0" });
  screen.line(`  ${screen.paint("green", "serving")}  process ${first.pid} on ${first.address}, file driver`);
  const recorder = new Recorder();
  const begin = performance.now();
  const stopProgress = showProgress(screen, recorder, begin);
  try {
    const kills = await driveAndKill(first, stateDir, recorder, options);
    const end = performance.now();
    if (options.injectViolation) recorder.injectViolation();
    return buildReport(recorder, {
      begin,
      end,
      callers: CALLERS,
      kills,
      killsAsked: options.kills,
      injected: options.injectViolation,
    });
  } finally {
    stopProgress();
  }
}
