// SPDX-License-Identifier: Apache-2.0

/** The command line asks for something that cannot be; the message names the flag and what was expected. */
export class UsageError extends Error {}
