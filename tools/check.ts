// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { type Gate, gates } from "./gates.ts";

/**
 * `corepack pnpm check [GATE...]`: runs all gates, or the named ones, also after one has failed. One line per
 * gate with its time; what a failed gate said follows its line. Exits 1 when one failed, 2 for an unknown name.
 */
async function main(): Promise<number> {
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  const unknown = positionals.filter((name) => !gates.some((gate) => gate.name === name));
  if (unknown.length > 0) {
    const known = gates.map(({ name }) => `"${name}"`).join(", ");
    process.stderr.write(`check: no gate is called "${unknown.join('", "')}"; there are ${known}\n`);
    return 2;
  }
  const chosen = positionals.length === 0 ? gates : gates.filter(({ name }) => positionals.includes(name));
  const failed: Gate[] = [];
  for (const gate of chosen) if (!(await passes(gate))) failed.push(gate);
  const names = failed.map(({ name }) => name).join(", ");
  process.stdout.write(failed.length === 0 ? `check: all ${chosen.length} gates pass\n` : `check: failed: ${names}\n`);
  return failed.length === 0 ? 0 : 1;
}

async function passes(gate: Gate): Promise<boolean> {
  const started = process.hrtime.bigint();
  const { code, output } = await gate.run();
  const seconds = (Number(process.hrtime.bigint() - started) / 1e9).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${gate.name.padEnd(14)} ${seconds.padStart(6)} s\n`);
  if (code === 0) return true;
  const said = output.trimEnd().replaceAll(/^/gm, "     | ");
  process.stdout.write(`${said}\n     ${gate.advice}\n`);
  return false;
}

process.exitCode = await main();
