// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { QuorumPolicy } from "@tsoracle/quorum";
import { quorumCapabilities, quorumDriver } from "@tsoracle/quorum/driver";
import { type FileDriver, fileCapabilities, openFileDriver } from "../src/index.ts";
import { FaultyFileSystem } from "./faulty-file-system.ts";

const DISKS = ["a", "b", "c"] as const;
/** How long a round waits for its disks; a disk answers a stalled call later than that. */
const ROUND_MS = 1_500;

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
    faults: ["crash", "stall"],
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
  readonly faults: Pick<Faults, "crash" | "stall"> = {
    crash: () => this.#crash(),
    stall: async () => this.#stall(),
  };
  readonly #folder: string;
  #disks: readonly Disk[] = [];
  #driver: ConsensusDriver | undefined;
  readonly #dead: ConsensusDriver[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(): Promise<ConsensusDriver> {
    const disks: Disk[] = [];
    for (const disk of DISKS) {
      const fileSystem = new FaultyFileSystem();
      disks.push({ fileSystem, driver: await openFileDriver({ stateDir: join(this.#folder, disk), fileSystem }) });
    }
    this.#disks = disks;
    this.#driver = quorumDriver({
      drivers: disks.map(({ driver }, index) => ({ id: DISKS[index] ?? "", driver })),
      policy: new QuorumPolicy({ n: 3, w: 2, ackTimeoutMs: ROUND_MS }),
    });
    return this.#driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of [this.#driver, ...this.#dead]) await driver?.[Symbol.asyncDispose]();
    for (const { fileSystem } of this.#disks) await fileSystem.die();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #crash(): Promise<void> {
    for (const { fileSystem } of this.#disks) await fileSystem.die();
    if (this.#driver !== undefined) this.#dead.push(this.#driver);
    this.#driver = undefined;
  }

  #stall(): Release {
    const releases = this.#disks.map(({ fileSystem }) => fileSystem.stall());
    return () => {
      for (const release of releases) void release();
    };
  }
}
