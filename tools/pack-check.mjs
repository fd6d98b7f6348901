// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { getExitCode } from "@arethetypeswrong/cli/internal/getExitCode";
import { publint } from "publint";

/**
 * Packs packages as they would be published and looks at the archives: does every export exist, do the types resolve,
 * are they what the code is? The arguments are the folders of packages; without any, it is the current one.
 */
const tools = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules");
const require = createRequire(import.meta.url);

/** Of the command line of attw: a package of ES modules need not work for those who require it. */
const ESM_ONLY = ["node10", "node16-cjs"];

/** The command line of attw is a shell round this one, which comes with it. */
const core = createRequire(require.resolve("@arethetypeswrong/cli/package.json")).resolve("@arethetypeswrong/core");
const { checkPackage, createPackageFromTarballData } = await import(pathToFileURL(core).href);

/**
 * @param {string} program path below node_modules
 * @param {readonly string[]} args
 * @returns {boolean} whether it succeeded; what it said otherwise is on standard error
 */
function succeeds(program, args) {
  const run = spawnSync(process.execPath, [join(tools, program), ...args], { encoding: "utf8" });
  if (run.status !== 0) process.stderr.write(`${program} ${args.join(" ")}\n${run.stdout}${run.stderr}`);
  return run.status === 0;
}

/**
 * Asks both programs as libraries, since loading them takes longer than looking at an archive. One that finds something
 * is asked again by its command line, which says it in words.
 *
 * @param {string} archive
 * @param {boolean} hasExports a package without exports is a program; it has no types to be wrong about
 */
async function isSound(archive, hasExports) {
  const bytes = new Uint8Array(readFileSync(archive));
  const { messages } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  let ok = !messages.some(({ type }) => type === "error") || succeeds("publint/src/cli.js", [archive, "--strict"]);
  if (!hasExports) return ok;
  const analysis = await checkPackage(createPackageFromTarballData(bytes));
  if (getExitCode(analysis, { ignoreResolutions: ESM_ONLY }) !== 0) {
    const attw = "@arethetypeswrong/cli/dist/index.js";
    ok = succeeds(attw, [archive, "--profile", "esm-only", "--no-color"]) && ok;
  }
  return ok;
}

const folders = process.argv.length > 2 ? process.argv.slice(2) : ["."];
const manifests = folders.map((folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
const directory = mkdtempSync(join(tmpdir(), "tsoracle-pack-"));
try {
  const chosen = manifests.flatMap(({ name }) => ["--filter", name]);
  let ok = succeeds("pnpm/bin/pnpm.cjs", ["--recursive", ...chosen, "pack", "--pack-destination", directory]);
  const archives = readdirSync(directory);
  for (const { name, version, exports } of ok ? manifests : []) {
    const archive = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
    if (!archives.includes(archive)) throw new Error(`${name} was not packed as ${archive}`);
    ok = (await isSound(join(directory, archive), exports !== undefined)) && ok;
  }
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
