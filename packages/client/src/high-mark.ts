// SPDX-License-Identifier: Apache-2.0
import type { WindowGrant } from "@tsoracle/core";
import { ClientError } from "./client-error.ts";

/** A point that later timestamps must lie above. */
export interface Mark {
  readonly physicalMs: number;
  readonly logical: number;
}

/** Below every timestamp. */
export const NO_MARK: Mark = { physicalMs: 0, logical: -1 };

export function endOf(grant: WindowGrant): Mark {
  return { physicalMs: grant.physicalMs, logical: grant.logicalStart + grant.count - 1 };
}

function isAbove(physicalMs: number, logical: number, mark: Mark): boolean {
  return physicalMs > mark.physicalMs || (physicalMs === mark.physicalMs && logical > mark.logical);
}

/**
 * The error of a grant that is not above what came before it. The oracle promises that this never
 * happens (design, promise P1); a client that sees it withholds the grant, because its callers could
 * not tell.
 */
export function regressionOf(grant: WindowGrant, mark: Mark, endpoint: string): ClientError | undefined {
  if (isAbove(grant.physicalMs, grant.logicalStart, mark)) return undefined;
  return new ClientError(
    "timestamp_regression",
    `expected timestamps above (${mark.physicalMs}, ${mark.logical}), which came before the request, ` +
      `got (${grant.physicalMs}, ${grant.logicalStart}) of epoch ${grant.epoch}`,
    { endpoint },
  );
}

/** The largest timestamp that this client has handed out. */
export class HighMark {
  #mark: Mark = NO_MARK;

  /** Read when a request is sent: the answer must lie above it. */
  get current(): Mark {
    return this.#mark;
  }

  raise(grant: WindowGrant): void {
    const end = endOf(grant);
    if (isAbove(end.physicalMs, end.logical, this.#mark)) this.#mark = end;
  }
}
