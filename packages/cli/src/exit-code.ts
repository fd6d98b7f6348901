// SPDX-License-Identifier: Apache-2.0

/** What the process ends with; under semver. */
export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
/** The command line or the environment is wrong; nothing was done. */
export const EXIT_USAGE = 2;
/** SIGINT ended a command before it was done. */
export const EXIT_INTERRUPTED = 130;
