// SPDX-License-Identifier: Apache-2.0
import { openFileDriver } from "@tsoracle/driver-file";
import { OwnedDirectory } from "@tsoracle/test-services";
import { type StressDriver, withoutStore } from "./stress-driver.ts";

interface FileConfig {
  readonly stateDir: string;
}

/** One server on one directory. */
export const fileStress: StressDriver = {
  name: "file",
  servers: 1,
  freshness: ["lease"],
  refuses: {
    cut: "the store of the file driver is a local directory, so there is no connection to cut",
    ...withoutStore("the store of the file driver is a local directory and has no process"),
  },
  tenureMs: undefined,
  outageMs: [500, 1_500],
  bounds: undefined,
  prepare: async () => {
    const directory = new OwnedDirectory();
    return {
      about: "one state directory",
      configOf: (): FileConfig => ({ stateDir: directory.path }),
      linksOf: () => [],
      nodes: [],
      nodesPerFault: 0,
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  },
  open: (config) => openFileDriver({ stateDir: (config as FileConfig).stateDir }),
};
