// SPDX-License-Identifier: Apache-2.0
import type { FaultKind, FaultTarget } from "./schedule.ts";

/** What is known about a fault afterwards. `isConfirmed` only if `evidence` was seen, not because it was asked for. */
export interface Confirmation {
  readonly isConfirmed: boolean;
  readonly evidence: string;
  /** Only of a pause: just before SIGCONT. What the server is asked at this instant it finds when it wakes up. */
  readonly releasedAt?: number;
}

/** One fault as it happened. Instants are of the shared clock. */
export interface InjectedFault extends Confirmation {
  readonly kind: FaultKind;
  readonly target: FaultTarget;
  /** What was hit, for people: `server 1`, `Redis node 0 and Redis node 3`. */
  readonly place: string;
  /** The server that was hit; none for a fault of the store. */
  readonly server?: number;
  readonly at: number;
  /** When what was hit was started again, went on, or could be reached again. */
  readonly endedAt: number;
}
