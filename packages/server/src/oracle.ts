// SPDX-License-Identifier: Apache-2.0
import { Admission } from "./admission.ts";
import { Extension } from "./extension.ts";
import type { ServerFault } from "./finish.ts";
import { Gate, Slot } from "./gate.ts";
import { GrantDesk } from "./grant-desk.ts";
import type { GrantStream, StreamSurroundings } from "./grant-stream.ts";
import { LeaderWatch } from "./leader-watch.ts";
import { Leases } from "./leases.ts";
import { NotLeader } from "./not-leader.ts";
import type { ResolvedOptions } from "./options.ts";
import { Presence } from "./presence.ts";
import { SafePoints } from "./safe-points.ts";
import { Sequences } from "./sequences.ts";
import { ServingCore } from "./serving-core.ts";
import type { Timers } from "./timers.ts";
import { WindowKeeper } from "./window-keeper.ts";

/** Everything of a server that no transport is needed for, put together. */
export class Oracle {
  readonly core: ServingCore = new ServingCore();
  readonly gate: Gate = new Gate();
  readonly watch: LeaderWatch;
  readonly keeper: WindowKeeper;
  readonly notLeader: NotLeader;
  readonly desk: GrantDesk;
  readonly streams: StreamSurroundings;
  readonly sequences: Sequences;
  readonly leases: Leases;
  readonly safePoints: SafePoints;

  constructor(options: ResolvedOptions, timers: Timers, onStop: (fault: ServerFault | undefined) => void) {
    const { driver, clock, metrics, logger, limits, windowAheadMs, failoverAdvanceMs } = options;
    const { core, gate } = this;
    const slot = new Slot();
    const notLeader = new NotLeader(core.state, metrics);
    const watch = new LeaderWatch({ driver, core, gate, clock, timers, metrics, logger, failoverAdvanceMs, onStop });
    const extension = new Extension({ driver, core, gate, slot, watch, timers, metrics, logger, windowAheadMs });
    const presence = new Presence(core, notLeader, watch);
    const admission = new Admission(limits.maxPendingWrites, "sequence and lease calls");
    this.notLeader = notLeader;
    this.watch = watch;
    this.keeper = new WindowKeeper(core, extension, clock, timers, windowAheadMs);
    const maxPending = limits.maxPendingGrants;
    this.desk = new GrantDesk({ core, extension, watch, notLeader, clock, timers, metrics, logger, maxPending });
    this.streams = { desk: this.desk, maxPending: limits.maxPendingPerStream, open: new Set<GrantStream>() };
    this.sequences = new Sequences({
      sequences: driver.sequences,
      presence,
      admission,
      metrics,
      maxCount: options.maxSeqCount,
      maxBatchKeys: options.maxSeqBatchKeys,
    });
    const ttl = options.leaseTtl;
    const store = driver.leases;
    this.leases = new Leases({
      store,
      presence,
      notLeader,
      admission,
      extension,
      gate,
      slot,
      clock,
      metrics,
      ttl,
      maxLeases: limits.maxLeases,
    });
    this.safePoints = new SafePoints(core, clock, windowAheadMs);
    this.#endStreamsWithTheirReign();
  }

  /** Follows leadership, and keeps the window open while nobody asks. Idempotent. */
  start(): void {
    this.watch.start();
    this.keeper.start();
  }

  /** Ends every open stream with the NOT_LEADER status. */
  endStreams(): void {
    for (const stream of [...this.streams.open]) stream.finish(this.notLeader.answer());
  }

  /** Idle streams are told at once, so that their clients look for the new leader before they need it. */
  #endStreamsWithTheirReign(): void {
    let served = false;
    this.core.state.onChange((state) => {
      if (served && state.kind === "not_serving") this.endStreams();
      served = state.kind === "serving";
    });
  }
}
