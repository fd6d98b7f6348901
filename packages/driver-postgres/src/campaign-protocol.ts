// SPDX-License-Identifier: Apache-2.0
import type { TenureTerms, WaitOut } from "@tsoracle/consensus";
import type { Epoch, PeerEndpoint, PhysicalMs } from "@tsoracle/core";
import type { BumpRow, OracleRow } from "./rows.ts";

/** Constants and inputs of a campaign. All times are monotonic nanoseconds of one process. */
export interface CampaignOptions {
  readonly terms: TenureTerms;
  /** Only with `lease` does a new leader wait for its predecessor. */
  readonly freshness: "lease" | "confirm";
  /** This driver instance; never used by another one. */
  readonly holder: string;
  /** Where clients reach this server. */
  readonly endpoint: PeerEndpoint;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly mayLead: () => boolean;
}

/** A reign of this process that was installed: what the next one must know of it. */
export interface OwnReign {
  readonly epoch: Epoch;
  /** What it had to wait for. Only once that is over may the reign be called clean. */
  readonly wait: WaitOut;
  /** What the row said of its predecessor as it began. */
  readonly predecessorWasClean: boolean;
}

/** What was seen of the reigning leader, and when the reply that first showed it arrived. */
export interface Sighting {
  readonly row: OracleRow;
  readonly seenAtNs: bigint;
}

export type CampaignState =
  | { readonly phase: "disconnected"; readonly retryAtNs: bigint }
  | { readonly phase: "connecting" }
  /** Connected; marks its own lost reign clean before it looks at anything else. */
  | { readonly phase: "cleaning"; readonly epoch: Epoch }
  | { readonly phase: "following"; readonly pollAtNs: bigint }
  | { readonly phase: "polling" }
  | { readonly phase: "evicting" }
  /** Has the lock; the epoch is on its way into the store. */
  | { readonly phase: "bumping"; readonly sentNs: bigint }
  /** The epoch is installed; lets the predecessor's tenure run out. */
  | (Reigning & { readonly phase: "waiting" })
  | (Reigning & { readonly phase: "leading" })
  /** The tenure lapsed without a fence: nothing is answered until a renewal is accepted. */
  | (Reigning & { readonly phase: "suspended" })
  | { readonly phase: "releasing"; readonly next: "follow" | "stop" }
  | { readonly phase: "stopped" };

export interface Reigning {
  readonly reign: OwnReign;
  /** When the newest accepted renewal was sent. */
  readonly renewedNs: bigint;
  /** When to send the next; undefined while one is under way. */
  readonly renewAtNs: bigint | undefined;
  /** Renewals refused in a row by something that passes. */
  readonly refusals: number;
}

export type CampaignEvent =
  | { readonly type: "tick" }
  | { readonly type: "connected" }
  /** No connection, or one that does not meet the demands. */
  | { readonly type: "connect_failed"; readonly permanent: boolean }
  /** The connection is gone, whatever it was doing. */
  | { readonly type: "lost"; readonly permanent: boolean }
  | { readonly type: "cleaned" }
  | { readonly type: "polled"; readonly row: OracleRow; readonly got: boolean }
  | { readonly type: "evicted"; readonly killed: number }
  | { readonly type: "bumped"; readonly row: BumpRow }
  /** A write that checks the epoch and raises the beat was acknowledged: a renewal. `sentNs` is from before it was sent. */
  | {
      readonly type: "accepted";
      readonly epoch: Epoch;
      readonly sentNs: bigint;
      readonly highWater: PhysicalMs;
      /** The predecessor of this reign has said that it stopped, and owed no wait: as it released, or later. */
      readonly prevClean: boolean;
    }
  /** The campaign's own statement failed in a way that leaves the session in order. */
  | { readonly type: "refused" }
  /** The store holds a newer epoch than that of this reign. */
  | { readonly type: "fenced"; readonly epoch: Epoch }
  | { readonly type: "notified" }
  | { readonly type: "resign" }
  | { readonly type: "stop" }
  | { readonly type: "released" };

export type CampaignEffect =
  | { readonly type: "connect" }
  /** Destroy the session, and with it the lock. The reign goes on if the campaign still names it. */
  | { readonly type: "disconnect" }
  | { readonly type: "poll"; readonly tryLock: boolean }
  | { readonly type: "evict" }
  | { readonly type: "bump" }
  | { readonly type: "renew"; readonly epoch: Epoch }
  /** Mark the own lost reign clean, also where it is the predecessor of somebody's reign by now. */
  | { readonly type: "clean"; readonly epoch: Epoch }
  /** Mark the reign clean, announce it, and end the session in good order. */
  | { readonly type: "release"; readonly epoch: Epoch }
  | { readonly type: "lead"; readonly epoch: Epoch }
  /** The reign is over for this process: nothing may be answered from now on. Comes before `unknown`. */
  | { readonly type: "end_reign" }
  | { readonly type: "follow"; readonly epoch: Epoch; readonly holderEndpoint: string | null }
  | { readonly type: "unknown" }
  | { readonly type: "note"; readonly level: "info" | "warn" | "error"; readonly message: string };

export function note(level: "info" | "warn" | "error", message: string): CampaignEffect {
  return { type: "note", level, message };
}
