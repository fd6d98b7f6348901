// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from "commander";
import { completeArguments } from "./argv.ts";
import { CliError, oneLine } from "./cli-error.ts";
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE } from "./exit-code.ts";
import { endQuietlyWhenNobodyReads, printError } from "./output.ts";
import { createProgram } from "./program.ts";

/** Commander has printed its own line already; only the exit code is ours. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    const isText = error.code === "commander.helpDisplayed" || error.code === "commander.version";
    return isText ? EXIT_DONE : EXIT_USAGE;
  }
  printError(`error: ${oneLine(error)}`);
  return error instanceof CliError ? error.exitCode : EXIT_FAILED;
}

// Standard error is for our own lines. What Node deprecates in a dependency is ours to mend and no news to the user;
// one of them, about TLS to an address instead of a name, would come with every such call.
process.noDeprecation = true;
endQuietlyWhenNobodyReads();
const LINGER_MS = 2_000;
try {
  await createProgram().parseAsync(completeArguments(process.argv.slice(2)), { from: "user" });
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
// What a command left open, such as a timer of a driver that is being judged, must not keep it from ending.
setTimeout(() => process.exit(), LINGER_MS).unref();
