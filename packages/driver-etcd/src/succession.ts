// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, WaitOut } from "@tsoracle/consensus";
import type { Freshness } from "./capabilities.ts";

/** The last reign that began, as the store shows it. */
export interface LastReign {
  /** Zero before the first. */
  readonly epoch: bigint;
  /** The beat: every renewal of a tenure writes the key, and moves this. */
  readonly modRevision: bigint;
  readonly clean: boolean;
}

/** When the reply or the event arrived that first showed this reign with this beat. */
export interface Sighting {
  readonly epoch: bigint;
  readonly modRevision: bigint;
  readonly seenAtNs: bigint;
}

/** A reign of this process that has stopped granting, and what it had to wait for. */
export interface OwnReign {
  readonly epoch: bigint;
  readonly wait: WaitOut;
}

export interface Succession {
  readonly freshness: Freshness;
  readonly terms: TenureTerms;
  /** As it was found after no candidate was older: no beat of that reign can come after this. */
  readonly last: LastReign;
  readonly own: OwnReign | undefined;
  readonly sighting: Sighting | undefined;
  readonly nowNs: bigint;
}

/**
 * How long the elected must wait until the tenure before it has ended by any clock (`postgres-redis.md` 2.3).
 *
 * That the predecessor's key is gone says nothing about its tenure: the key ends by etcd's clock, by a revocation or by
 * an operator's hand, and a process that was paused may still believe in what it renewed before. A tenure is counted from
 * writes of the reign's key under the fence, so none is newer than the beat that is found here, and the wait is counted
 * from the moment that this process knew of that beat, on its own clock.
 */
export function waitAfter({ freshness, terms, last, own, sighting, nowNs }: Succession): WaitOut {
  if (freshness === "confirm" || last.epoch === 0n || last.clean) return WaitOut.none(nowNs);
  if (own?.epoch === last.epoch) return own.wait.inherited(nowNs);
  const isSame = sighting?.epoch === last.epoch && sighting.modRevision === last.modRevision;
  return WaitOut.after(isSame ? sighting.seenAtNs : nowNs, terms);
}
