// SPDX-License-Identifier: Apache-2.0
import { hold } from "../violation.ts";

/** What never goes back while a process lives (invariant 8). */
export interface Progressing {
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly highWater: number;
}

export function nothingGoesBack(nodeId: number, before: Progressing, after: Progressing): void {
  for (const key of ["term", "commit", "applied", "highWater"] as const) {
    hold(
      after[key] >= before[key],
      "8",
      () => `${key} of node ${nodeId} goes back from ${before[key]} to ${after[key]}`,
    );
  }
  hold(after.applied <= after.commit, "8", () => `node ${nodeId} applied ${after.applied}, committed ${after.commit}`);
}
