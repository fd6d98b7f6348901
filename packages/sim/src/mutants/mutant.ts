// SPDX-License-Identifier: Apache-2.0

import type { Profile } from "../plan.ts";

/** One exact exchange in one source file of driver-raft. It must match once, so that a stale mutant fails loudly. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One wrong driver. */
export interface Mutant {
  readonly name: string;
  /** The rule of `raft.md` that it breaks. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** The kind of cases in which it shows; any if left out. */
  readonly profile?: Profile;
  /** Invariants that may be the first to notice. */
  readonly caughtBy: readonly string[];
}
