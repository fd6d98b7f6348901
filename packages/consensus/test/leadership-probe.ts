// SPDX-License-Identifier: Apache-2.0
import { epoch, peerEndpoint } from "@tsoracle/core";
import type { LeaderState, LeadershipCell } from "../src/index.ts";

export const unknown: LeaderState = { role: "unknown" };
export const follower: LeaderState = { role: "follower", leaderEndpoint: peerEndpoint("b:1") };
export const leader = (value: bigint): LeaderState => ({ role: "leader", epoch: epoch(value) });

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** A short name of an item: L1, F, U. */
export function brief(item: LeaderState): string {
  return item.role === "leader" ? `L${item.epoch}` : item.role === "follower" ? "F" : "U";
}

/** A reader that asks when told to, and notes what it gets. */
export class Probe {
  readonly abort = new AbortController();
  readonly got: string[] = [];
  waiting = 0;
  ended = false;
  error: unknown;
  readonly reader: AsyncGenerator<LeaderState, void, undefined>;

  constructor(cell: LeadershipCell) {
    this.reader = cell.read({ signal: this.abort.signal });
  }

  ask(): void {
    this.waiting += 1;
    this.reader.next().then(
      (result) => {
        this.waiting -= 1;
        if (result.done) this.ended = true;
        else this.got.push(brief(result.value));
      },
      (error: unknown) => {
        this.waiting -= 1;
        this.ended = true;
        this.error = error;
      },
    );
  }
}
