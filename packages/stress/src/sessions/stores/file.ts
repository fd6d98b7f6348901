// SPDX-License-Identifier: Apache-2.0
import { openFileJournal } from "@tsoracle/session/file";
import { OwnedDirectory } from "@tsoracle/test-services";
import { withoutStore } from "../../drivers/stress-driver.ts";
import type { SessionStressStore } from "./session-store.ts";

interface FileConfig {
  readonly directory: string;
}

/** One worker on one directory, which only one process at a time may have open. */
export const fileSessions: SessionStressStore = {
  name: "file",
  workers: 1,
  refuses: {
    cut: "the file store is a local directory, so there is no connection to cut",
    ...withoutStore("the file store is a local directory and has no process"),
  },
  prepare: async () => {
    const directory = new OwnedDirectory();
    const config: FileConfig = { directory: directory.path };
    return {
      about: "one directory",
      configOf: () => config,
      directConfig: config,
      linksOf: () => [],
      nodes: [],
      nodesPerFault: 0,
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  },
  open: (config) => openFileJournal({ directory: (config as FileConfig).directory, writeTimeoutMs: 10_000 }),
};
