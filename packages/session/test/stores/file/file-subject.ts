// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { type JournalFaults, type JournalSubject, type JournalUniverse, Random } from "@tsoracle/conformance";
import type { FencedJournal } from "@tsoracle/consensus";
import { openFileJournal } from "../../../src/file.ts";
import { encodeFrame } from "../../../src/stores/file/frame.ts";
import { entryFrame } from "../../../src/stores/file/session-log.ts";
import { FaultyFiles, systemError } from "./faulty-files.ts";
import { edit, flipped, logPath, recordPlaces, type TemporaryDirectory, temporaryDirectory } from "./session-paths.ts";

/** A directory of journals with every fault that a disk can have: one process at a time. */
export const fileJournalSubject: JournalSubject = {
  name: "file",
  nodes: 1,
  exclusive: true,
  faults: ["crash", "loseReply", "stall", "tornTail", "corrupt"],
  waivers: { partition: "the store is this machine's own disk" },
  callTimeoutMs: 5_000,
  provision: async (seed) => new FileUniverse(await temporaryDirectory(), new Random(seed)),
};

class FileUniverse implements JournalUniverse {
  readonly faults: Partial<JournalFaults>;
  readonly #directory: TemporaryDirectory;
  #files: FaultyFiles | undefined;
  #open: FencedJournal | undefined;

  constructor(directory: TemporaryDirectory, random: Random) {
    this.#directory = directory;
    const files = (): FaultyFiles => this.#files ?? new FaultyFiles();
    this.faults = {
      crash: async () => {
        await files().die();
        this.#open = undefined;
      },
      // The last step of a write reports a failure although it was carried out: all that is known is that it may be.
      loseReply: async () =>
        files().fail((step) => step === "sync .journal" || step === "syncDirectory", systemError("EIO"), "after"),
      stall: async () => files().stall(),
      tornTail: (id) => edit(logPath(directory.path, id), (log) => Buffer.concat([log, tornTail(log.length, random)])),
      corrupt: (id) => this.#corrupt(id, random),
    };
  }

  async open(): Promise<FencedJournal> {
    const files = new FaultyFiles();
    const journal = await openFileJournal({
      directory: this.#directory.path,
      limits: { maxEntryBytes: 3_000, maxSnapshotBytes: 4_000 },
      // Longer than a disk that others use as well takes for a write; only clauses that stall it wait for it.
      writeTimeoutMs: 1_000,
      fileSystem: files,
    });
    this.#files = files;
    this.#open = journal;
    return journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.[Symbol.asyncDispose]();
    await this.#files?.die();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #corrupt(id: string, random: Random): Promise<void> {
    const path = logPath(this.#directory.path, id);
    const places = recordPlaces(await readFile(path));
    // The journal's own record is first; of the entries any but the last, whatever part of it is read again.
    const entry = 1 + random.below(places.length - 3);
    const [from, to] = [places[entry] ?? 0, (places[entry + 1] ?? 0) - 8];
    await edit(path, (log) => flipped(log, from + random.below(to - from)));
  }
}

/** What may be there of an append that a crash cut off: a beginning, a size without bytes, or bytes with a hole. */
function tornTail(place: number, random: Random): Uint8Array {
  const entry = Uint8Array.from({ length: random.below(1_500) }, () => 1 + random.below(255));
  const record = { epoch: 1n, owner: "a", seq: 99, ts: 1n, entry };
  const whole = Uint8Array.from(encodeFrame(entryFrame(record), place, false));
  switch (random.below(4)) {
    case 0:
      return whole.subarray(0, 1 + random.below(23));
    case 1:
      return whole.subarray(0, 24 + random.below(whole.length - 24));
    case 2:
      return new Uint8Array(whole.length);
    default:
      return whole.fill(0, 30 + random.below(20), whole.length - 16);
  }
}
