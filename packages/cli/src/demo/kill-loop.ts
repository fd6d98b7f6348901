// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import type { Kill } from "../load/load-report.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

export interface KillLoopOptions {
  readonly first: ServerProcess;
  readonly stateDir: string;
  readonly kills: number;
  /** How long all of it takes, with the kills spread evenly over it. */
  readonly plannedMs: number;
  /** On a slow machine it may take longer than planned; no kill is begun that would take it beyond this. */
  readonly limitMs: number;
  /** Resolves with the next answer that a caller gets. */
  readonly nextAnswer: () => Promise<void>;
  readonly onKill: (pid: number) => void;
  /** Looks at the store while nobody serves from it; true if it covers what was issued. */
  readonly isCovered: () => Promise<boolean>;
  readonly onBack: (kill: Kill, server: ServerProcess) => void;
}

const START_ATTEMPTS = 40;
const START_PAUSE_MS = 50;
const ANSWER_LIMIT_MS = 30_000;

/**
 * Starts on the port that the predecessor had. A client that tries to connect while nobody listens can be given that
 * very port as its own by the kernel, and holds it for a moment; therefore a few attempts.
 */
async function startAgain(stateDir: string, address: string): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startServerProcess({ stateDir, listen: address });
    } catch (error) {
      if (attempt === START_ATTEMPTS || !/EADDRINUSE|already in use/i.test(String(error))) throw error;
      await sleep(START_PAUSE_MS);
    }
  }
}

/** Waits for what must come while the server runs, and no longer than the server does. */
async function whileServing<T>(server: ServerProcess, expected: Promise<T>, what: string): Promise<T> {
  const limit = new AbortController();
  const ended = server.ended.then(({ code, signal }) => {
    throw new Error(`the server ended by itself (${signal ?? `exit ${code}`})`);
  });
  const late = sleep(ANSWER_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`${what} did not come within ${ANSWER_LIMIT_MS} ms`);
  });
  late.catch(() => {});
  ended.catch(() => {});
  try {
    return await Promise.race([expected, ended, late]);
  } finally {
    limit.abort();
  }
}

async function killAndRestart(server: ServerProcess, options: KillLoopOptions): Promise<ServerProcess> {
  const at = performance.now();
  options.onKill(server.pid);
  server.signal("SIGKILL");
  const end = await server.ended;
  if (end.signal !== "SIGKILL") throw new Error(`expected the server to die of SIGKILL, it ended with ${end.code}`);
  const covered = await options.isCovered();
  const successor = await startAgain(options.stateDir, server.address);
  options.onBack({ pid: server.pid, at, backAt: performance.now(), covered }, successor);
  return successor;
}

/**
 * Kills the server with SIGKILL and starts it again on the same directory and port, several times. It is never killed
 * before it has answered, because a server that has issued nothing has nothing to forget.
 *
 * @returns the server that is left running
 * @throws Error when a server ends in any other way than by our kill, does not come back or does not answer
 */
export async function killLoop(options: KillLoopOptions): Promise<ServerProcess> {
  const begin = performance.now();
  const elapsed = (): number => performance.now() - begin;
  let server = options.first;
  let slowestMs = 0;
  for (let kill = 1; ; kill++) {
    await whileServing(server, options.nextAnswer(), "an answer");
    const dueMs = (options.plannedMs * Math.min(kill, options.kills + 1)) / (options.kills + 1);
    await whileServing(server, sleep(Math.max(0, dueMs - elapsed())), "the next step");
    if (kill > options.kills || elapsed() + slowestMs > options.limitMs) return server;
    const before = elapsed();
    server = await killAndRestart(server, options);
    slowestMs = Math.max(slowestMs, elapsed() - before);
  }
}
