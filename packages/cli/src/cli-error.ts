// SPDX-License-Identifier: Apache-2.0
import { EXIT_FAILED, EXIT_USAGE } from "./exit-code.ts";

/** Why a command ends: `usage` says that nothing was done, `failed` that it was tried. */
export type CliErrorCode = "usage" | "failed";

/** An end that is told in one line, without a stack, because the reader is a person at a terminal. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    return this.code === "usage" ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** Whatever was thrown, as one line. Errors of our packages already say what was expected and what came. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/\s*\n\s*/g, " ").trim();
  return line === "" ? "it failed without saying why" : line;
}
