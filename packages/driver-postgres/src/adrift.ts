// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import type { CampaignEvent } from "./campaign-protocol.ts";

/**
 * A reign that lost its connection and goes on for what is left of its tenure: a successor waits that out whatever it
 * learns, so that nobody else serves meanwhile. Nothing is written under it any more.
 */
export class Adrift {
  readonly epoch: Epoch;
  readonly untilNs: bigint;

  constructor(epoch: Epoch, untilNs: bigint) {
    this.epoch = epoch;
    this.untilNs = untilNs;
  }

  /**
   * It ends with its tenure, and with whatever ends any reign. It also ends with the next connection, before anything is
   * asked there: a reign that went on under a second session could be overtaken by what the first left behind.
   */
  endsWith(event: CampaignEvent, nowNs: bigint): boolean {
    if (nowNs >= this.untilNs) return true;
    switch (event.type) {
      case "connected":
      case "resign":
      case "stop":
        return true;
      case "connect_failed":
      case "lost":
        return event.permanent;
      case "fenced":
        return event.epoch === this.epoch;
      default:
        return false;
    }
  }
}
