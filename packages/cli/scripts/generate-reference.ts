// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from "node:fs";
import { renderReference } from "../src/reference.ts";

/** Writes docs/reference/cli.md; with `--check` it only compares, and exits with 1 if they differ. */
const page = new URL("../../../docs/reference/cli.md", import.meta.url);
const text = renderReference();
if (!process.argv.includes("--check")) writeFileSync(page, text);
else if (readFileSync(page, "utf8") !== text) {
  console.error(
    'docs/reference/cli.md is not what the command line says; run "corepack pnpm --filter tsoracle generate"',
  );
  process.exitCode = 1;
}
