// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epochFromHalves, peerEndpoint, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Campaign } from "../src/campaign.ts";
import type { CampaignEffect, CampaignEvent } from "../src/campaign-protocol.ts";
import type { BumpRow, OracleRow } from "../src/rows.ts";

const D = 1_000;
const WAIT = 1_100;
const USABLE = 900;

function epochAt(lo: number, hi = 1): Epoch {
  return epochFromHalves({ hi: BigInt(hi), lo: BigInt(lo) });
}

function row(lo: number, beat: number, rest: Partial<OracleRow> = {}): OracleRow {
  return {
    epoch: epochAt(lo),
    beat: BigInt(beat),
    clean: false,
    highWater: physicalMs(0),
    freshness: "lease",
    tenureMs: D,
    rateSlackPpm: 100_000,
    holderEndpoint: "other:1",
    ...rest,
  };
}

function bump(lo: number, prevBeat: number, rest: Partial<BumpRow> = {}): BumpRow {
  return {
    epoch: epochAt(lo),
    highWater: physicalMs(0),
    prevBeat: BigInt(prevBeat),
    prevClean: false,
    prevHolder: "somebody else",
    ...rest,
  };
}

/** A campaign on a clock that only the test moves. */
class Desk {
  nowMs = 0;
  effects: string[] = [];
  readonly campaign: Campaign;

  constructor(freshness: "lease" | "confirm" = "lease", mayLead = true) {
    this.campaign = new Campaign(
      {
        terms: { tenureMs: D, drift: 0.1 },
        freshness,
        holder: "me",
        endpoint: peerEndpoint("me:1"),
        random: () => 0.5,
        mayLead: () => mayLead,
      },
      0n,
    );
  }

  /** What it wants done, in words. */
  at(ms: number, event: CampaignEvent): string[] {
    this.nowMs = ms;
    const effects = this.campaign.step(event, BigInt(ms) * 1_000_000n).map(show);
    return effects.filter((effect) => effect !== "note");
  }

  get phase(): string {
    return this.campaign.state.phase;
  }

  get wakeMs(): number | undefined {
    const wake = this.campaign.wakeAtNs;
    return wake === undefined ? undefined : Number(wake) / 1e6;
  }

  connect(ms: number): void {
    this.at(ms, { type: "tick" });
    this.at(ms, { type: "connected" });
  }

  poll(ms: number, seen: OracleRow, got = false): string[] {
    expect(this.at(ms, { type: "tick" })).toEqual([expect.stringMatching(/^poll/)]);
    return this.at(ms, { type: "polled", row: seen, got });
  }

  accept(ms: number, lo: number, sentMs: number, prevClean = false): string[] {
    return this.at(ms, {
      type: "accepted",
      epoch: epochAt(lo),
      sentNs: BigInt(sentMs) * 1_000_000n,
      highWater: physicalMs(0),
      prevClean,
    });
  }

  /** Leads in epoch 5 from time 0 on, after a clean predecessor. */
  static leading(): Desk {
    const desk = new Desk();
    desk.connect(0);
    expect(desk.poll(0, row(4, 10, { clean: true }), true)).toEqual(["unknown", "bump"]);
    expect(desk.at(0, { type: "bumped", row: bump(5, 10, { prevClean: true }) })).toEqual(["lead 5"]);
    return desk;
  }
}

function show(effect: CampaignEffect): string {
  switch (effect.type) {
    case "poll":
      return effect.tryLock ? "poll and try" : "poll";
    case "renew":
    case "clean":
    case "release":
    case "lead":
      return `${effect.type} ${effect.epoch & 0xffn}`;
    case "follow":
      return `follow ${effect.holderEndpoint}`;
    default:
      return effect.type;
  }
}

describe("campaign: following", () => {
  it("connects, polls at once, and follows a leader whose beat moves", () => {
    const desk = new Desk();
    expect(desk.at(0, { type: "tick" })).toEqual(["connect"]);
    desk.at(0, { type: "connected" });
    expect(desk.wakeMs).toBe(0);
    expect(desk.poll(0, row(4, 10))).toEqual(["follow other:1"]);
    expect(desk.wakeMs).toBeGreaterThanOrEqual(D / 30);
    expect(desk.wakeMs).toBeLessThanOrEqual(D / 10);
  });

  it("knows of nobody when the beat stands still for longer than a tenure, or the reign ended, or was its own", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10));
    expect(desk.poll(D, row(4, 10))).toEqual(["follow other:1"]);
    expect(desk.poll(D + 100, row(4, 10))).toEqual(["unknown"]);
    expect(desk.poll(D + 200, row(4, 11))).toEqual(["follow other:1"]);
    expect(desk.poll(D + 300, row(4, 12, { clean: true }))).toEqual(["unknown"]);
    expect(desk.poll(D + 400, row(5, 13, { holderEndpoint: "me:1" }))).toEqual(["unknown"]);
  });

  it("does not try the lock while it does not want to lead", () => {
    const desk = new Desk("lease", false);
    desk.connect(0);
    expect(desk.at(0, { type: "tick" })).toEqual(["poll"]);
  });

  it("evicts a holder after 2·D(1+ρ) without a beat, and not again within a tenure", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10));
    expect(desk.poll(2 * WAIT - 1, row(4, 10))).toEqual(["unknown"]);
    expect(desk.poll(2 * WAIT + 100, row(4, 10))).toEqual(["unknown", "evict"]);
    desk.at(2 * WAIT + 110, { type: "evicted", killed: 0 });
    expect(desk.poll(2 * WAIT + 200, row(4, 10))).toEqual(["unknown"]);
  });

  it("refuses a store that shows less than it has seen", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10, { highWater: physicalMs(500) }));
    expect(desk.poll(100, row(4, 11, { highWater: physicalMs(499) }), true)).toEqual(["unknown", "disconnect"]);
    expect(desk.wakeMs).toBeGreaterThanOrEqual(100 + D);
  });

  it("polls at once after an announcement", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10));
    desk.at(7, { type: "notified" });
    expect(desk.wakeMs).toBe(7);
    desk.poll(7, row(4, 11, { clean: true }));
    expect(desk.wakeMs).toBeLessThanOrEqual(17);
  });
});

describe("campaign: the wait", () => {
  it("counts from the reply that first showed the predecessor's last beat", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(100, row(4, 10));
    desk.poll(600, row(4, 10), true);
    expect(desk.at(650, { type: "bumped", row: bump(5, 10) })).toEqual([]);
    expect(desk.at(850, { type: "tick" })).toEqual(["renew 5"]);
    desk.accept(851, 5, 850);
    expect(desk.at(100 + WAIT - 1, { type: "tick" })).toEqual(["renew 5"]);
    expect(desk.at(100 + WAIT, { type: "tick" })).toEqual(["lead 5"]);
  });

  it("counts from the answer to the bump when the beat had moved on unseen, or the timeline changed", () => {
    for (const answer of [bump(5, 11), bump(5, 10, { epoch: epochAt(5, 2) })]) {
      const desk = new Desk();
      desk.connect(0);
      desk.poll(100, row(4, 10), true);
      desk.at(650, { type: "bumped", row: answer });
      const state = desk.campaign.state;
      expect(state.phase === "waiting" && state.reign.wait.deadlineNs).toBe(BigInt(650 + WAIT) * 1_000_000n);
    }
  });

  it("is whole when the timeline changed, whatever the row says of the predecessor: that may be an old word", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(100, row(4, 10, { clean: true }), true);
    expect(desk.at(110, { type: "bumped", row: bump(5, 10, { prevClean: true, epoch: epochAt(5, 2) }) })).toEqual([]);
    expect(desk.at(360, { type: "tick" })).toEqual(["renew 5"]);
    // The row goes on saying it, and it goes on meaning nothing.
    desk.at(361, {
      type: "accepted",
      epoch: epochAt(5, 2),
      sentNs: 360_000_000n,
      highWater: physicalMs(0),
      prevClean: true,
    });
    const state = desk.campaign.state;
    expect(state.phase === "waiting" && state.reign.wait.deadlineNs).toBe(BigInt(110 + WAIT) * 1_000_000n);
  });

  it("ends when the predecessor says that it has stopped, which a renewal shows at once after an announcement", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10), true);
    desk.at(10, { type: "bumped", row: bump(5, 10) });
    desk.at(50, { type: "notified" });
    expect(desk.wakeMs).toBe(50);
    expect(desk.at(50, { type: "tick" })).toEqual(["renew 5"]);
    expect(desk.accept(51, 5, 50, true)).toEqual(["lead 5"]);
    // What it had to wait for is over, for its own next reign as well.
    expect(desk.at(60, { type: "lost", permanent: true })).toEqual(["end_reign", "unknown", "disconnect"]);
    desk.connect(5_000);
    expect(desk.phase).toBe("cleaning");
  });

  it("is skipped after a clean release, and where every answer is confirmed", () => {
    expect(Desk.leading().phase).toBe("leading");
    const desk = new Desk("confirm");
    desk.connect(0);
    desk.poll(100, row(4, 10), true);
    expect(desk.at(101, { type: "bumped", row: bump(5, 10) })).toEqual(["lead 5"]);
  });

  it("is inherited unfinished from an own reign that still waited, and such a reign is not called clean", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10), true);
    desk.at(0, { type: "bumped", row: bump(5, 10) });
    expect(desk.at(300, { type: "lost", permanent: false })).toEqual(["unknown", "disconnect"]);
    desk.connect(400);
    expect(desk.phase).toBe("following");
    desk.poll(400, row(5, 11), true);
    desk.at(410, { type: "bumped", row: bump(6, 11, { prevHolder: "me" }) });
    const state = desk.campaign.state;
    expect(state.phase === "waiting" && state.reign.wait.deadlineNs).toBe(BigInt(WAIT) * 1_000_000n);
  });

  it("is whole when the own reign before this one was begun without an answer", () => {
    const desk = Desk.leading();
    desk.at(100, { type: "lost", permanent: false });
    desk.connect(200);
    desk.at(200, { type: "cleaned" });
    desk.poll(200, row(5, 10), true);
    // Epoch 6 was installed by a bump whose answer was lost, after somebody else's reign or not: who knows.
    desk.at(210, { type: "lost", permanent: false });
    desk.connect(300);
    desk.poll(300, row(6, 11), true);
    expect(desk.at(310, { type: "bumped", row: bump(7, 11, { prevHolder: "me" }) })).toEqual([]);
    const state = desk.campaign.state;
    expect(state.phase === "waiting" && state.reign.wait.deadlineNs).toBe(BigInt(300 + WAIT) * 1_000_000n);
  });

  it("does not end in a reign whose renewals lapsed while the process slept", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10), true);
    desk.at(0, { type: "bumped", row: bump(5, 10) });
    expect(desk.at(5 * D, { type: "tick" })).toEqual(["unknown", "disconnect"]);
  });
});

describe("campaign: leading", () => {
  it("renews every quarter of the tenure, counted from the sending of the last renewal", () => {
    const desk = Desk.leading();
    expect(desk.wakeMs).toBe(D / 4);
    expect(desk.at(D / 4, { type: "tick" })).toEqual(["renew 5"]);
    desk.accept(400, 5, D / 4);
    expect(desk.wakeMs).toBe(D / 2);
  });

  it("is suspended when the tenure lapses, goes on after a renewal, and steps down a tenure later", () => {
    const desk = Desk.leading();
    expect(desk.at(USABLE, { type: "tick" })).toEqual(["renew 5"]);
    expect(desk.phase).toBe("suspended");
    desk.accept(USABLE + 5, 5, USABLE);
    expect(desk.phase).toBe("leading");
    desk.at(2 * USABLE, { type: "tick" });
    expect(desk.phase).toBe("suspended");
    expect(desk.at(2 * USABLE + D, { type: "tick" })).toEqual(["end_reign", "unknown", "disconnect"]);
  });

  it("takes an answer that is older than the tenure for no renewal", () => {
    const desk = Desk.leading();
    desk.at(USABLE, { type: "tick" });
    desk.accept(2_000, 5, USABLE);
    expect(desk.phase).toBe("suspended");
  });

  it("ends at once when it is fenced, or its session is lost for a reason that a person must mend", () => {
    for (const event of [{ type: "fenced", epoch: epochAt(5) } as const, { type: "lost", permanent: true } as const]) {
      const desk = Desk.leading();
      expect(desk.at(10, event)).toEqual(["end_reign", "unknown", "disconnect"]);
      expect(desk.campaign.leadingEpoch).toBeUndefined();
    }
  });

  it("ends at once with its session where every answer must be confirmed", () => {
    const desk = new Desk("confirm");
    desk.connect(0);
    desk.poll(0, row(4, 10), true);
    desk.at(0, { type: "bumped", row: bump(5, 10) });
    expect(desk.at(10, { type: "lost", permanent: false })).toEqual(["end_reign", "unknown", "disconnect"]);
  });

  it("outlives its session by what is left of its tenure, and no longer", () => {
    const desk = Desk.leading();
    expect(desk.at(10, { type: "lost", permanent: false })).toEqual(["disconnect"]);
    desk.at(100, { type: "tick" });
    expect(desk.at(110, { type: "connect_failed", permanent: false })).toEqual(["disconnect"]);
    expect(desk.campaign.leadingEpoch).toBe(epochAt(5));
    desk.at(200, { type: "tick" });
    expect(desk.phase).toBe("connecting");
    expect(desk.wakeMs).toBe(USABLE);
    expect(desk.at(USABLE, { type: "tick" })).toEqual(["end_reign", "unknown"]);
    expect(desk.campaign.leadingEpoch).toBeUndefined();
    const late = Desk.leading();
    expect(late.at(USABLE, { type: "lost", permanent: false })).toEqual(["end_reign", "unknown", "disconnect"]);
  });

  it("ends before a new session is used, and is called clean only then", () => {
    const desk = Desk.leading();
    desk.at(10, { type: "lost", permanent: false });
    desk.at(100, { type: "tick" });
    expect(desk.at(100, { type: "connected" })).toEqual(["end_reign", "unknown", "clean 5"]);
    expect(desk.campaign.leadingEpoch).toBeUndefined();
  });

  it.each([{ type: "resign" }, { type: "stop" }, { type: "fenced", epoch: epochAt(5) }] as const)(
    "ends without a session when it is told to: $type",
    (event) => {
      const desk = Desk.leading();
      desk.at(10, { type: "lost", permanent: false });
      expect(desk.at(20, event).slice(0, 2)).toEqual(["end_reign", "unknown"]);
      const refused = Desk.leading();
      refused.at(10, { type: "lost", permanent: false });
      refused.at(100, { type: "tick" });
      expect(refused.at(110, { type: "connect_failed", permanent: true })).toContain("end_reign");
    },
  );

  it("is called clean after reconnecting also where it was fenced, for a successor that waits", () => {
    const fenced = Desk.leading();
    fenced.at(10, { type: "fenced", epoch: epochAt(5) });
    fenced.at(100, { type: "tick" });
    expect(fenced.at(100, { type: "connected" })).toEqual(["clean 5"]);
  });

  it("bears one refusal of a renewal and not two", () => {
    const desk = Desk.leading();
    desk.at(250, { type: "tick" });
    expect(desk.at(260, { type: "refused" })).toEqual([]);
    desk.at(400, { type: "tick" });
    expect(desk.at(410, { type: "refused" })).toEqual(["end_reign", "unknown", "disconnect"]);
  });
});

describe("campaign: leaving", () => {
  it("stops granting before it releases, and lets others go first", () => {
    const desk = Desk.leading();
    expect(desk.at(10, { type: "resign" })).toEqual(["end_reign", "unknown", "release 5"]);
    expect(desk.at(20, { type: "released" })).toEqual(["disconnect"]);
    desk.connect(20);
    expect(desk.at(20, { type: "tick" })).toEqual(["poll"]);
    desk.at(20, { type: "polled", row: row(5, 12, { clean: true }), got: false });
    expect(desk.at(350, { type: "tick" })).toEqual(["poll and try"]);
  });

  it("gives the lock back that it had asked for before it resigned", () => {
    const desk = new Desk();
    desk.connect(0);
    expect(desk.at(0, { type: "tick" })).toEqual(["poll and try"]);
    desk.at(5, { type: "resign" });
    expect(desk.at(10, { type: "polled", row: row(4, 10, { clean: true }), got: true })).toEqual([
      "unknown",
      "disconnect",
    ]);
  });

  it("stands back no longer once another has led", () => {
    const desk = Desk.leading();
    desk.at(10, { type: "resign" });
    desk.at(20, { type: "released" });
    desk.connect(20);
    expect(desk.poll(20, row(6, 13))).toEqual(["follow other:1"]);
    expect(desk.at(130, { type: "tick" })).toEqual(["poll and try"]);
  });

  it("gives up a wait without calling anything clean", () => {
    const desk = new Desk();
    desk.connect(0);
    desk.poll(0, row(4, 10), true);
    desk.at(0, { type: "bumped", row: bump(5, 10) });
    expect(desk.at(10, { type: "resign" })).toEqual(["unknown", "disconnect"]);
  });

  it("releases when it is stopped, and then does nothing more", () => {
    const desk = Desk.leading();
    expect(desk.at(10, { type: "stop" })).toEqual(["end_reign", "unknown", "release 5"]);
    expect(desk.at(20, { type: "released" })).toEqual(["unknown", "disconnect"]);
    expect(desk.at(30, { type: "tick" })).toEqual([]);
    expect(desk.wakeMs).toBeUndefined();
  });
});
