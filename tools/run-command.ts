// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the workspace. */
export const workspaceRoot: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where the package manager of the workspace is found by programs that look for it on PATH. */
const binaries = join(workspaceRoot, "node_modules", ".bin");

export interface CommandResult {
  /** Exit code; 128 when the command was killed by a signal or did not start. */
  readonly code: number;
  /** Both streams, in the order of arrival; empty when they went to our own streams. */
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** After this long the command is killed, which counts as a failure. Milliseconds. */
  readonly timeoutMs?: number;
  /** Let the command write to our own streams. */
  readonly inherit?: boolean;
  /** How far the command, and what it starts, stands back for others: 0, the default, to 19. */
  readonly niceness?: number;
}

/**
 * Runs a JavaScript program of a workspace dependency with this very Node, without a shell and without asking
 * the package manager, so that it behaves the same on every system.
 *
 * @param dependency name of the package, as in the root `package.json`
 * @param program path of the program inside that package
 */
export function runDependency(
  dependency: string,
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return runNode([join(workspaceRoot, "node_modules", dependency, program), ...args], options);
}

/** Runs this very Node. Resolves also when the program fails; never rejects. */
export function runNode(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd ?? workspaceRoot,
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
      env: {
        ...process.env,
        PATH: `${binaries}${delimiter}${process.env["PATH"] ?? ""}`,
        TURBO_TELEMETRY_DISABLED: "1",
        DO_NOT_TRACK: "1",
        ...(options.inherit === true ? {} : { NO_COLOR: "1", FORCE_COLOR: "0" }),
        ...options.env,
      },
      stdio: options.inherit === true ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    });
    if (options.niceness !== undefined && child.pid !== undefined) setPriority(child.pid, options.niceness);
    // Whoever stops us stops what we started; a terminal's interrupt reaches both by itself.
    const stop = (signal: NodeJS.Signals): boolean => child.kill(signal);
    process.on("SIGTERM", stop).on("SIGHUP", stop);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (error) => resolve({ code: 128, output: `${error.message}\n` }));
    child.on("close", (code) => {
      process.off("SIGTERM", stop).off("SIGHUP", stop);
      resolve({ code: code ?? 128, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}
