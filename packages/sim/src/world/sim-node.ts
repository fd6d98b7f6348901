// SPDX-License-Identifier: Apache-2.0
import type { DiskFault, DiskOperation, SimulatedDirectory } from "@tsoracle/driver-raft/simulation";
import type { NodeView } from "../invariants/tla.ts";
import type { NodeClock } from "./node-clock.ts";
import type { SimProcess } from "./sim-process.ts";

/**
 * `member`: may run. `lost`: its disk is gone or must not be used; it never runs again under this id.
 * `removed`: it learned that it is no member any more.
 */
export type Fate = "member" | "lost" | "removed";

/** How a process ends: alone, or with the machine. */
export type Ending = "process" | "power";

/** A fault that waits for an operation of the disk. */
export interface Armed {
  /** Operations that still pass. */
  passing: number;
  readonly matches: (operation: DiskOperation) => boolean;
  readonly fault: DiskFault;
  readonly ending: Ending;
  readonly downMs: number;
  fired: boolean;
}

/** One machine: its disk, its clocks, and the process that runs on it, if one does. */
export class SimNode {
  readonly id: number;
  readonly storageId: string;
  readonly genesis: Uint8Array;
  readonly clock: NodeClock;
  readonly view: NodeView;
  /** The addresses that the process is started with. */
  peers: readonly number[];
  readonly disk: SimulatedDirectory;
  process: SimProcess | undefined;
  /** What runs at its address although the disk was replaced. */
  impostor: SimProcess | undefined;
  fate: Fate = "member";
  pausedUntilMs = 0;
  /** Virtual time of each sync, while the disk is slow. */
  slowSyncMs = 0;
  slowSteps = 0;
  /** No room on the disk. */
  full = false;
  /** A bit of the disk is not what was written. */
  flipped = false;
  /** It has met all other first members, and takes part since. */
  formed = false;
  restartPlanned = false;
  armed: Armed | undefined;

  constructor(parts: Pick<SimNode, "id" | "storageId" | "genesis" | "clock" | "view" | "peers" | "disk">) {
    this.id = parts.id;
    this.storageId = parts.storageId;
    this.genesis = parts.genesis;
    this.clock = parts.clock;
    this.view = parts.view;
    this.peers = parts.peers;
    this.disk = parts.disk;
    this.disk.plan = (operation) => this.#operation(operation);
  }

  #operation(operation: DiskOperation): DiskFault | undefined {
    if (this.slowSyncMs > 0 && operation.kind === "fdatasync" && this.process !== undefined) {
      this.process.cursorMs += this.slowSyncMs;
      this.slowSteps += 1;
    }
    const { armed } = this;
    if (armed === undefined || armed.fired || !armed.matches(operation)) return undefined;
    if (armed.passing > 0) {
      armed.passing -= 1;
      return undefined;
    }
    armed.fired = true;
    return armed.fault;
  }
}
