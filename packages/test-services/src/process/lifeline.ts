// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { isMainThread } from "node:worker_threads";
import { findExecutable } from "../find-executable.ts";

/**
 * How a server is made to die with the process that started it, even when that one is killed with -9.
 *
 * - `death-signal`: the kernel kills the server (Linux, `setpriv --pdeathsig`). The signal follows the death of
 *   the *thread* that spawned, so it serves the main thread only.
 * - `supervisor`: a shell holds the reading end of a pipe and kills the server when the pipe breaks.
 */
export type Lifeline = "death-signal" | "supervisor";

const setpriv: string | undefined =
  process.platform === "linux" ? findExecutable(["setpriv"], process.env["PATH"], ["/usr/bin", "/bin"]) : undefined;

export function preferredLifeline(): Lifeline {
  return setpriv !== undefined && isMainThread ? "death-signal" : "supervisor";
}

/**
 * The watcher is the child of a subshell that ends at once, so it is no child of the server: a Postgres that is
 * paused with its children must not pause its own watcher. The shell then becomes the server, under the same pid.
 * A line on the pipe says that the server has ended and its pid may be somebody else's by now.
 */
const SUPERVISOR = `exec 3<&0 </dev/null
( { read -r released <&3 || kill -KILL $$; } >/dev/null 2>&1 & )
exec 3<&-
exec "$@"`;

/**
 * The kernel sends no signal for a death that came before it was asked to. So who finds that its parent is another one
 * by then does not become the server at all.
 */
const UNLESS_ORPHANED = `[ "$PPID" = "$1" ] || exit 125
shift
exec "$@"`;

/**
 * A command line that runs `command` under the life line, for this process to spawn; a supervisor needs its stdin to
 * be a pipe.
 */
export function onLifeline(
  lifeline: Lifeline,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: readonly string[] } {
  if (lifeline === "supervisor") return { command: "sh", args: ["-c", SUPERVISOR, "supervisor", command, ...args] };
  if (setpriv === undefined) throw new Error("setpriv is not on this machine: use the supervisor");
  const own = ["sh", "-c", UNLESS_ORPHANED, "lifeline", String(process.pid), command, ...args];
  return { command: setpriv, args: ["--pdeathsig", "KILL", "--", ...own] };
}

/** Tells the reader of a life line that there is nothing left to kill. */
export function release(child: ChildProcess): void {
  child.stdin?.on("error", () => {}); // It may be gone already, which is as good.
  child.stdin?.end("released\n");
}

/**
 * Kills the processes when this one dies, until it is released. For processes that are stopped: a death that
 * they should notice themselves, as the children of Postgres do, they would never hear of.
 */
export class PauseGuard {
  readonly #child: ChildProcess;

  constructor(pids: readonly number[]) {
    this.#child = spawn("sh", ["-c", 'read -r released || kill -KILL "$@"', "guard", ...pids.map(String)], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true, // Not to be ended by an interrupt from the terminal that it is there to survive.
    });
    this.#child.on("error", () => {});
    this.#child.unref();
  }

  release(): void {
    release(this.#child);
  }
}
