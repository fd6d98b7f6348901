// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Tests read workspace sources directly; only programs that tests spawn as processes need a build. */
const conditions = ["tsoracle-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts", "examples/*/test/**/*.test.ts"],
    // Child processes follow the death of the process that spawned them, so tests run in forks, not threads.
    pool: "forks",
    // Tests over real servers mostly wait, for tenures to run out and for elections.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
