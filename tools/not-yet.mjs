// SPDX-License-Identifier: Apache-2.0

/** Stands behind a root command whose name is fixed and whose program belongs to a later change. */
const [command = "this command"] = process.argv.slice(2);
process.stderr.write(`corepack pnpm ${command}: not there yet; it comes with a later release of the workspace\n`);
process.exitCode = 2;
