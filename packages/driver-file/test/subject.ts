// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { SeqKey } from "@tsoracle/core";
import { encodeDense } from "../src/dense-record.ts";
import { type FileDriver, fileCapabilities, openFileDriver } from "../src/index.ts";
import { FaultyFileSystem } from "./faulty-file-system.ts";

/** Stored in the directory as a store with fewer keys would have it, so that filling it takes one batch. */
const SEQ_KEY_CAP = 20;
/** How long a call waits for a stalled disk: longer than a busy one takes, shorter than the kit waits. */
const WRITE_TIMEOUT_MS = 1_500;

/** The file driver on real directories, one for each universe. */
export function fileSubject(): Subject {
  return {
    name: "file",
    capabilities: fileCapabilities,
    nodes: 1,
    faults: ["crash", "loseReply", "stall", "setSequence"],
    seqKeyCap: SEQ_KEY_CAP,
    waivers: {
      elect: "one node leads in epoch 0 for as long as it holds the directory; there is nobody to elect",
      partition: "there is one node, and its store is a directory of its own machine",
    },
    provision: async () => {
      const universe = new FileUniverse(await mkdtemp(join(tmpdir(), "tsoracle-file-subject-")));
      await universe.setSequence(undefined);
      return universe;
    },
  };
}

/** A directory, and the process life that has it open. */
class FileUniverse implements Universe {
  readonly faults: Pick<Faults, "crash" | "loseReply" | "stall" | "setSequence"> = {
    crash: () => this.#crash(),
    loseReply: async () => this.#loseReply(),
    stall: async () => this.#stall(),
    setSequence: (key, next) => this.setSequence({ key, next }),
  };
  readonly #stateDir: string;
  #life: { readonly fileSystem: FaultyFileSystem; readonly driver: FileDriver } | undefined;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  async open(): Promise<FileDriver> {
    const fileSystem = new FaultyFileSystem();
    const driver = await openFileDriver({ stateDir: this.#stateDir, fileSystem, writeTimeoutMs: WRITE_TIMEOUT_MS });
    this.#life = { fileSystem, driver };
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life?.driver[Symbol.asyncDispose]();
    await this.#life?.fileSystem.die();
    await rm(this.#stateDir, { recursive: true, force: true });
  }

  /** Writes the file as a server would have left it, with at most one counter. */
  async setSequence(counter: { readonly key: SeqKey; readonly next: bigint } | undefined): Promise<void> {
    const entries = counter === undefined ? [] : [{ ...counter, keyBytes: new TextEncoder().encode(counter.key) }];
    await writeFile(join(this.#stateDir, "dense"), encodeDense({ cap: BigInt(SEQ_KEY_CAP), entries }));
  }

  /** What was begun ends in the kernel, what was not has no effect, and the lock is free. */
  async #crash(): Promise<void> {
    const life = this.#running();
    this.#life = undefined;
    await life.fileSystem.die();
  }

  /** The record is durable, but the answer comes after the timer of the caller, which was started earlier. */
  #loseReply(): void {
    this.#running().fileSystem.answerLate("sync-directory", () => wait(WRITE_TIMEOUT_MS + 100));
  }

  #stall(): Release {
    return this.#running().fileSystem.stall();
  }

  #running(): { readonly fileSystem: FaultyFileSystem; readonly driver: FileDriver } {
    if (this.#life === undefined) throw new TypeError("open the node first");
    return this.#life;
  }
}
