// SPDX-License-Identifier: Apache-2.0
import { CoreError } from "./core-error.ts";
import type { Epoch } from "./epoch.ts";
import { LOGICAL_MAX } from "./limits.ts";
import { type PhysicalMs, physicalMs } from "./physical-ms.ts";
import { packTimestamp } from "./timestamp.ts";

/**
 * A contiguous block of timestamps in one millisecond. That it could be constructed is the proof
 * that every timestamp in it packs, so nothing that reads a grant can fail.
 */
export class WindowGrant {
  readonly physicalMs: PhysicalMs;
  readonly logicalStart: number;
  readonly count: number;
  readonly epoch: Epoch;

  /**
   * @throws CoreError `invalid_count` when `count` is not a positive integer,
   * `physical_ms_out_of_range` or `logical_out_of_range` when a timestamp of the block does not pack.
   */
  constructor(physical: number, logicalStart: number, count: number, epoch: Epoch) {
    if (!Number.isInteger(count) || count < 1) {
      throw new CoreError("invalid_count", `expected a count of at least 1, got ${String(count)}`);
    }
    if (!Number.isInteger(logicalStart) || logicalStart < 0 || logicalStart + count - 1 > LOGICAL_MAX) {
      throw new CoreError(
        "logical_out_of_range",
        `expected a block within logical 0..=${LOGICAL_MAX} (18 bits), got ${count} from ${String(logicalStart)}`,
      );
    }
    this.physicalMs = physicalMs(physical);
    this.logicalStart = logicalStart;
    this.count = count;
    this.epoch = epoch;
  }

  /** The smallest timestamp of the block, packed. */
  first(): bigint {
    return packTimestamp(this.physicalMs, this.logicalStart);
  }

  /** The largest timestamp of the block, packed; inclusive. */
  last(): bigint {
    return packTimestamp(this.physicalMs, this.logicalStart + this.count - 1);
  }
}
