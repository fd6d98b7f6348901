// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Packs the package in the current folder as it would be published and looks at the archive: does every export
 * exist, do the types resolve, are they what the code is? Run by turbo once per package.
 */
const tools = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules");

/**
 * @param {string} program path below node_modules
 * @param {readonly string[]} args
 * @returns {boolean} whether it succeeded
 */
function succeeds(program, args) {
  const run = spawnSync(process.execPath, [join(tools, program), ...args], { encoding: "utf8" });
  if (run.status !== 0) process.stderr.write(`${program} ${args.join(" ")}\n${run.stdout}${run.stderr}`);
  return run.status === 0;
}

const directory = mkdtempSync(join(tmpdir(), "tsoracle-pack-"));
try {
  const packed = succeeds("pnpm/bin/pnpm.cjs", ["pack", "--pack-destination", directory]);
  const [archive] = readdirSync(directory);
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));
  let ok = packed && archive !== undefined;
  if (ok && archive !== undefined) {
    const path = join(directory, archive);
    ok = succeeds("publint/src/cli.js", [path, "--strict"]) && ok;
    // A package without exports is a program; it has no types to be wrong about.
    if (manifest.exports !== undefined) {
      ok = succeeds("@arethetypeswrong/cli/dist/index.js", [path, "--profile", "esm-only", "--no-color"]) && ok;
    }
  }
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
