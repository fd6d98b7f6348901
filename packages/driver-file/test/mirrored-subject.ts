// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { QuorumPolicy, systemTimers, type Timers } from "@tsoracle/quorum";
import { quorumCapabilities, quorumDriver } from "@tsoracle/quorum/driver";
import { type FileDriver, fileCapabilities, openFileDriver } from "../src/index.ts";
import { FaultyFileSystem } from "./faulty-file-system.ts";

const DISKS = ["a", "b", "c"] as const;
/** How long a round waits for its disks; a disk answers a stalled call later than that. */
const ROUND_MS = 1_500;

/** The timers of one process life: a dead process has none. */
class MortalTimers implements Timers {
  readonly #pending = new Set<() => void>();
  #isDead = false;

  after(ms: number, run: () => void): () => void {
    if (this.#isDead) return () => {};
    const cancel = systemTimers.after(ms, () => {
      this.#pending.delete(cancel);
      run();
    });
    this.#pending.add(cancel);
    return () => {
      this.#pending.delete(cancel);
      cancel();
    };
  }

  monotonicMs(): number {
    return systemTimers.monotonicMs();
  }

  die(): void {
    this.#isDead = true;
    for (const cancel of this.#pending) cancel();
  }
}

interface Life {
  readonly driver: ConsensusDriver;
  readonly disks: readonly Disk[];
  readonly timers: MortalTimers;
}

interface Disk {
  readonly fileSystem: FaultyFileSystem;
  readonly driver: FileDriver;
}

/** One server whose state is mirrored on three directories, of which any two are enough. */
export function mirroredFileSubject(): Subject {
  return {
    name: "quorum-of-files",
    capabilities: quorumCapabilities(DISKS.map(() => fileCapabilities)),
    nodes: 1,
    stores: DISKS.length,
    faults: ["crash", "stall", "wipe"],
    waivers: {
      elect: "one node leads for as long as it holds the directories; there is nobody to elect",
      partition: "there is one node, and its stores are directories of its own machine",
      loseReply: "the members' own subject loses replies of a directory",
      setSequence: "the driver has no sequences",
    },
    provision: async () => new MirroredUniverse(await mkdtemp(join(tmpdir(), "tsoracle-mirrored-subject-"))),
  };
}

class MirroredUniverse implements Universe {
  readonly faults: Pick<Faults, "crash" | "stall" | "wipe"> = {
    crash: () => this.#crash(),
    stall: async () => this.#stall(),
    wipe: (disk) => this.#wipe(disk),
  };
  readonly #folder: string;
  #life: Life | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(): Promise<ConsensusDriver> {
    const disks: Disk[] = [];
    for (const disk of DISKS) {
      const fileSystem = new FaultyFileSystem();
      disks.push({ fileSystem, driver: await openFileDriver({ stateDir: join(this.#folder, disk), fileSystem }) });
    }
    const timers = new MortalTimers();
    const driver = quorumDriver({
      drivers: disks.map((disk, index) => ({ id: DISKS[index] ?? "", driver: disk.driver })),
      policy: new QuorumPolicy({ n: 3, w: 2, ackTimeoutMs: ROUND_MS }),
      timers,
    });
    this.#life = { driver, disks, timers };
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life?.driver[Symbol.asyncDispose]();
    for (const { fileSystem } of this.#life?.disks ?? []) await fileSystem.die();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #crash(): Promise<void> {
    const life = this.#running();
    this.#life = undefined;
    life.timers.die();
    for (const { fileSystem } of life.disks) await fileSystem.die();
  }

  /** The directory is emptied under whoever has it open, as by somebody who takes it for rubbish. */
  async #wipe(disk: number): Promise<void> {
    const directory = join(this.#folder, DISKS[disk] ?? "");
    for (const entry of await readdir(directory)) await rm(join(directory, entry), { recursive: true });
  }

  #stall(): Release {
    const releases = this.#running().disks.map(({ fileSystem }) => fileSystem.stall());
    return () => {
      for (const release of releases) void release();
    };
  }

  #running(): Life {
    if (this.#life === undefined) throw new TypeError("open the node first");
    return this.#life;
  }
}
