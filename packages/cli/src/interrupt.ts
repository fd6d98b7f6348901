// SPDX-License-Identifier: Apache-2.0
import { EXIT_INTERRUPTED } from "./exit-code.ts";

const EXIT_TERMINATED = 143;

/**
 * Makes SIGINT, SIGTERM and SIGHUP end the process by exit instead of death by signal, so that scripts
 * see an exit code and what is registered for `exit` is cleaned up. The process ends at once: nothing
 * that a client command does needs an orderly end.
 */
export function endOnSignals(): void {
  process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
  process.once("SIGTERM", () => process.exit(EXIT_TERMINATED));
  process.once("SIGHUP", () => process.exit(EXIT_TERMINATED));
}
