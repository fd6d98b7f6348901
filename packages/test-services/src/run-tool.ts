// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { type Account, spawnIdentity } from "./process/account.ts";

/** How a short-lived command ended. `code` is undefined when it could not be started or was killed. */
export interface ToolResult {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: Account | undefined;
  /** Milliseconds; the command is killed then. Default 120,000. */
  readonly timeoutMs?: number;
}

/** Runs a command to its end and never throws: what a failure means is for the caller to say. */
export function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  return new Promise((resolve) => {
    execFile(
      command,
      [...args],
      {
        encoding: "utf8",
        timeout: options.timeoutMs ?? 120_000,
        killSignal: "SIGKILL",
        maxBuffer: 16 * 1024 * 1024,
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...spawnIdentity(options.account),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
        resolve({
          code,
          stdout,
          stderr: stderr === "" && error !== null && code === undefined ? error.message : stderr,
        });
      },
    );
  });
}

/** The last line that a failed command printed, which is where tools put the reason. */
export function reasonOf(result: ToolResult): string {
  const line = result.stderr.trim().split("\n").at(-1)?.trim();
  return line === undefined || line === "" ? `exit code ${result.code ?? "none"}` : line;
}
