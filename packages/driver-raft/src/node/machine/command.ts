// SPDX-License-Identifier: Apache-2.0
import type { Epoch, LeaseRecord, PhysicalMs, SeqEntry } from "@tsoracle/core";

/**
 * What one replicated entry asks the state machine to do. `epoch` is the term that the proposer led in;
 * an entry of another term has no effect (S3).
 */
export type Command =
  | { readonly kind: "advance"; readonly epoch: Epoch; readonly atLeast: PhysicalMs }
  | { readonly kind: "sequences"; readonly epoch: Epoch; readonly entries: readonly SeqEntry[] }
  | { readonly kind: "leases"; readonly epoch: Epoch; readonly live: readonly LeaseRecord[] }
  | {
      readonly kind: "pin";
      readonly epoch: Epoch;
      readonly member: number;
      /** 32 hexadecimal digits. */
      readonly storageId: string;
    };

/** What came of it; the same on every node. */
export type Outcome =
  | { readonly kind: "advanced"; readonly highWater: PhysicalMs }
  | { readonly kind: "sequences"; readonly starts: readonly bigint[] }
  | { readonly kind: "leases" }
  /** The storage id that is pinned now, which may be an earlier one than the command named. */
  | { readonly kind: "pinned"; readonly storageId: string | undefined }
  /** The entry of an election. */
  | { readonly kind: "noop" }
  | { readonly kind: "fenced"; readonly epoch: Epoch }
  | { readonly kind: "refused"; readonly code: "seq_overflow" | "seq_cardinality_exceeded"; readonly message: string };
