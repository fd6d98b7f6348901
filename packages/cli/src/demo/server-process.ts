// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bin/tsoracle.mjs", import.meta.url));

/** How a process ended, as the kernel reports it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of `tsoracle serve file` in a process of its own. */
export interface ServerProcess {
  readonly pid: number;
  /** HOST:PORT that it printed. */
  readonly address: string;
  readonly ended: Promise<ProcessEnd>;
  signal(name: NodeJS.Signals): void;
}

export interface ServerProcessOptions {
  readonly stateDir: string;
  /** HOST:PORT; port 0 for the first run, the same port for all later ones. */
  readonly listen: string;
}

/** The server never reads our environment: a TSORACLE_* variable of the user must not change the demonstration. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TSORACLE_")));
}

function startProcess(options: ServerProcessOptions): ChildProcess {
  const flags = ["--listen", options.listen, "--state-dir", options.stateDir, "--log", "error", "--exit-with-stdin"];
  // Its standard input is a pipe that only we hold, so that it ends with us, even if we are killed.
  return spawn(process.execPath, [PROGRAM, "serve", "file", ...flags], {
    stdio: ["pipe", "pipe", "pipe"],
    env: cleanEnvironment(),
  });
}

/**
 * Starts a server and waits for its `serving on` line.
 *
 * @throws Error with what it wrote to standard error, when it ends before that line
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const child = startProcess(options);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("the server process has no pipes");
  stdin.on("error", () => {});
  const kill = () => child.kill("SIGKILL");
  process.prependOnceListener("exit", kill);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => process.off("exit", kill));
  let complaint = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const lines = createInterface({ input: stdout });
  const early = ended.then(({ code, signal }) => {
    throw new Error(`the server ended (${signal ?? `exit ${code}`}) before it served: ${complaint.trim()}`);
  });
  early.catch(() => {});
  const [line] = (await Promise.race([once(lines, "line"), early])) as [string];
  const address = /^serving on (\S+)$/.exec(line)?.[1];
  if (address === undefined || child.pid === undefined) {
    kill();
    throw new Error(`expected "serving on HOST:PORT" from the server, got ${JSON.stringify(line)}`);
  }
  return { pid: child.pid, address, ended, signal: (name) => child.kill(name) };
}
