// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";
import { countModules, RESULT_FILE_VARIABLE, type TestCounts } from "./test-counts.ts";

/** Hands vitest's own result to the process that started it, through the file that process names. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[RESULT_FILE_VARIABLE];
    if (file === undefined) return;
    const counts: TestCounts = countModules(modules, unhandled.length);
    writeFileSync(file, JSON.stringify(counts));
  }
}
