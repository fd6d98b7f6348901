// SPDX-License-Identifier: Apache-2.0
import { EXIT_INTERRUPTED } from "../exit-code.ts";

/**
 * Resolves to what asked the server to stop: SIGINT, SIGTERM or, if wanted, the end of standard input.
 * A second SIGINT does not wait for the drain.
 */
export function stopRequest(withStdin: boolean): Promise<string> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    process.once("SIGINT", () => {
      resolve("SIGINT");
      process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
    });
    if (!withStdin) return;
    // The other end of the pipe is held by the parent alone: the kernel closes it however the parent dies.
    process.stdin.on("end", () => resolve("end of standard input"));
    process.stdin.on("error", () => resolve("end of standard input"));
    process.stdin.resume();
  });
}
