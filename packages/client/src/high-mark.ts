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

/**
 * The largest timestamp that this client has handed out. The oracle promises that a request sent
 * after that gets larger ones; a client that sees this broken withholds the answer, because its
 * caller could not tell (design, promise P1).
 */
export class HighMark {
  #mark: Mark = NO_MARK;

  /** Read when a request is sent. */
  get current(): Mark {
    return this.#mark;
  }

  /**
   * Checks a grant against the mark of when its request was sent, then raises the mark.
   *
   * @throws ClientError `timestamp_regression`; the mark stays.
   */
  pass(grant: WindowGrant, sentAt: Mark, endpoint: string): void {
    if (!isAbove(grant.physicalMs, grant.logicalStart, sentAt)) {
      throw new ClientError(
        "timestamp_regression",
        `expected timestamps above (${sentAt.physicalMs}, ${sentAt.logical}), which was handed out before the ` +
          `request was sent, got (${grant.physicalMs}, ${grant.logicalStart}) of epoch ${grant.epoch}`,
        { endpoint },
      );
    }
    const last = grant.logicalStart + grant.count - 1;
    if (isAbove(grant.physicalMs, last, this.#mark)) this.#mark = { physicalMs: grant.physicalMs, logical: last };
  }
}

function isAbove(physicalMs: number, logical: number, mark: Mark): boolean {
  return physicalMs > mark.physicalMs || (physicalMs === mark.physicalMs && logical > mark.logical);
}
