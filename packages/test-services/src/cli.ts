// SPDX-License-Identifier: Apache-2.0
import { preferredLifeline } from "./process/lifeline.ts";
import { findServices } from "./report.ts";
import { systemContext } from "./resolver-context.ts";

const USAGE = "usage: services ensure | doctor\n";

const VARIABLES = [
  "TEST_POSTGRES_URL",
  "TEST_REDIS_URLS",
  "TEST_ETCD_URLS",
  "SERVICES_PG_BIN",
  "SERVICES_REDIS_BIN",
  "SERVICES_NO_APT",
  "SERVICES_REQUIRE",
  "SERVICES_CACHE",
];

/** Brings everything into place that the tests will start. Exit code 1, with the reasons, when it cannot. */
async function ensure(): Promise<number> {
  const findings = await findServices(systemContext());
  for (const finding of findings) {
    if (finding.found) process.stdout.write(`${finding.line}\n`);
    else if (finding.isFailure) process.stderr.write(`${finding.line}\n`);
    else process.stdout.write(`${finding.line}\n${finding.service} is optional: what needs it is left out.\n`);
  }
  return findings.some((finding) => !finding.found && finding.isFailure) ? 1 : 0;
}

/** Says what is there and what is not, downloading nothing. Always exit code 0. */
async function doctor(): Promise<number> {
  const context = systemContext({ ...process.env, SERVICES_NO_APT: "1" });
  const set = VARIABLES.filter((name) => (process.env[name] ?? "") !== "");
  process.stdout.write(`platform: ${process.platform} ${process.arch}, node ${process.version}\n`);
  // Only the names: a URL may hold a password.
  process.stdout.write(`variables: ${set.length === 0 ? "none set" : set.join(", ")}\n`);
  process.stdout.write(`cache: ${context.settings.cache.path}\n`);
  process.stdout.write(`servers die with their test by: ${preferredLifeline()}\n`);
  for (const { line } of await findServices(context)) process.stdout.write(`${line}\n`);
  return 0;
}

async function main(args: readonly string[]): Promise<number> {
  const [command] = args;
  if (args.length === 1 && command === "ensure") return await ensure();
  if (args.length === 1 && command === "doctor") return await doctor();
  process.stderr.write(USAGE);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`services: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
