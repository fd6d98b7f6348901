// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { Random } from "./random.ts";
import type { FaultName, Faults, Subject } from "./subject.ts";
import type { Watch } from "./watch.ts";

/** A node that leads. */
export interface Reign {
  readonly node: number;
  readonly driver: ConsensusDriver;
  readonly epoch: Epoch;
}

/** What the body of a clause works with. Everything it opens is closed for it. */
export interface Trial<Needs extends FaultName = FaultName, Uses extends FaultName = FaultName> {
  readonly subject: Subject;
  /** The faults that the clause declares, and no others. */
  readonly faults: Pick<Faults, Needs> & Partial<Pick<Faults, Uses>>;
  /** Seeded: the same in every run with the same seed. */
  readonly random: Random;
  /** Aborted when the clause has run out of time. */
  readonly signal: AbortSignal;
  /** Opens a node, or opens it again. */
  open(node: number): Promise<ConsensusDriver>;
  /** Opens every node, in order. */
  openAll(): Promise<readonly ConsensusDriver[]>;
  /** Disposes a driver now and not at the end. */
  close(driver: ConsensusDriver): Promise<void>;
  /** Reads a leadership stream in the background, until the end of the trial. */
  watch(driver: ConsensusDriver): Watch;
  /** Waits until an open node leads, by its own stream. */
  reign(): Promise<Reign>;
  /** Elects a node and waits until its stream says that it leads in a new epoch. */
  reignOf(node: number, elect: Faults["elect"]): Promise<Reign>;
  /** A trial over another universe of the same subject. Disposing it early is optional. */
  another(): Promise<Trial<Needs, Uses> & AsyncDisposable>;
}
