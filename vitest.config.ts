// SPDX-License-Identifier: Apache-2.0
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
    // Tests that run side by side in one file are clusters and servers with timeouts of their own.
    maxConcurrency: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
