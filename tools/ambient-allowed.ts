// SPDX-License-Identifier: Apache-2.0

/**
 * The files that may read a clock, wait on a timer or draw at random, each with its reason. Everything else
 * takes these as arguments. Nothing of core may ever stand here; of consensus, the two clocks and what injects
 * faults. Shells (server, client, command line, measurements) are named file by file.
 */
export const ambientAllowed: Readonly<Record<string, string>> = {
  "packages/consensus/src/lease-clock.ts": "one of the three clocks whose largest difference is the age of a lease",
  "packages/consensus/src/system-clock.ts": "the wall clock behind the Clock port",
};
