// SPDX-License-Identifier: Apache-2.0
import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./tools/longest-first.ts";

/** Tests read workspace sources directly; only programs that tests spawn as processes need a build. */
const conditions = ["tsoracle-source"];

/** Packages whose tests compute: models, simulations, mutants. */
const computing = "core|consensus|fencing|quorum|session|conformance|sim";

/** In the other packages, tests that compute all the same. */
const models = [
  "packages/driver-raft/test/{raft,node}/**/*.test.ts",
  "packages/driver-raft/test/storage/!(real).test.ts",
  "packages/driver-*/test/*simulation.test.ts",
];

/** In the computing packages, tests that start real servers or processes all the same. */
const servers = [
  "packages/fencing/test/{lua,sql}-fence.test.ts",
  "packages/quorum/test/chaos/campaign.test.ts",
  "packages/session/test/**/{postgres,redis,mixed,real}/**/*.test.ts",
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Child processes follow the death of the process that spawned them, so tests run in forks, not threads.
    pool: "forks",
    // Tests that run side by side in one file are clusters and servers with timeouts of their own.
    maxConcurrency: 3,
    sequence: { sequencer: LongestFirst },
    // What a test leaves behind would be its fault, not another file's; and a process for each of hundreds of files,
    // which loads the same modules again, would cost more processor time than most of them.
    isolate: false,
    projects: [
      {
        extends: true,
        test: {
          name: "models",
          include: [`packages/@(${computing})/test/**/*.test.ts`, ...models],
          exclude: [...configDefaults.exclude, ...servers],
          // They run at low priority beside the others; this limit is only there to end what hangs.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: "servers",
          // A package that is not listed above belongs here.
          include: [
            `packages/!(${computing})/test/**/*.test.ts`,
            "tools/**/*.test.ts",
            "examples/*/test/**/*.test.ts",
            ...servers,
          ],
          exclude: [...configDefaults.exclude, ...models],
          // Only there to end what hangs: two of these files run at a time, beside all that computes, on two processors.
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
