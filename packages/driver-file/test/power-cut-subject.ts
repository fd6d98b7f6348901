// SPDX-License-Identifier: Apache-2.0
import type { Subject, Universe } from "@tsoracle/conformance";
import { encodeDense } from "../src/dense-record.ts";
import type { FileDriver } from "../src/index.ts";
import { fileCapabilities, openFileDriver } from "../src/index.ts";
import { FakeDisk, STATE_DIR } from "./fake-disk.ts";

/** Stored on the disk, so that filling it takes one batch. */
const SEQ_KEY_CAP = 20;
const ON_REAL_DIRECTORIES = "exercised on real directories by the other subject; this one is about power cuts";

/** The file driver on simulated disks: a crash takes everything that no fsync has put on the medium. */
export function powerCutSubject(): Subject {
  return {
    name: "file over power cuts",
    capabilities: fileCapabilities,
    nodes: 1,
    faults: ["crash"],
    seqKeyCap: SEQ_KEY_CAP,
    waivers: {
      elect: "one node leads in epoch 0 for as long as it holds the directory; there is nobody to elect",
      partition: "there is one node, and its store is a directory of its own machine",
      stall: ON_REAL_DIRECTORIES,
      loseReply: ON_REAL_DIRECTORIES,
      setSequence: ON_REAL_DIRECTORIES,
    },
    provision: async () => makeUniverse(),
  };
}

function makeUniverse(): Universe {
  const disk = new FakeDisk();
  disk.install("dense", encodeDense({ cap: BigInt(SEQ_KEY_CAP), entries: [] }));
  let running: FileDriver | undefined;
  return {
    open: async () => {
      running = await openFileDriver({ stateDir: STATE_DIR, fileSystem: disk.startProcess().fileSystem });
      return running;
    },
    faults: {
      crash: async () => {
        running = undefined;
        disk.cutPower("synced-only");
      },
    },
    [Symbol.asyncDispose]: async () => {
      await running?.[Symbol.asyncDispose]();
    },
  };
}
