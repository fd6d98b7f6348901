// SPDX-License-Identifier: Apache-2.0
import type { TestModule } from "vitest/node";

/** Names the file in which the reporter leaves the counts. */
export const RESULT_FILE_VARIABLE = "TSORACLE_TEST_COUNTS";

/** What one run came to. `failed` holds everything that keeps the run from being green, not only assertions. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts tests by their final state. A file that could not be imported, a suite whose hook failed, a test that
 * never finished because its worker died, and an error outside every test each count as one failure: in none
 * of these cases does a failed test exist that could speak for it.
 */
export function countModules(modules: readonly TestModule[], unhandledErrors: number): TestCounts {
  let passed = 0;
  let failed = unhandledErrors;
  let skipped = 0;
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") passed += 1;
      else if (state === "skipped") skipped += 1;
      else failed += 1;
    }
  }
  return { passed, failed, skipped };
}

/**
 * The verdict over a run. No test at all, no result at all, or a failing exit without a counted failure is
 * itself one failure, so that the closing line can never look green over a red run.
 */
export function settle(counts: TestCounts | undefined, exitCode: number): TestCounts {
  if (counts === undefined) return { passed: 0, failed: 1, skipped: 0 };
  if (counts.failed === 0 && (exitCode !== 0 || counts.passed === 0)) return { ...counts, failed: 1 };
  return counts;
}

/** One of several runs that together are one: what it counted, if it came so far, and how it ended. */
export interface TestRun {
  readonly counts: TestCounts | undefined;
  readonly exitCode: number;
}

/** The verdict over runs of which one may be empty, but not all. */
export function settleTogether(runs: readonly TestRun[]): TestCounts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { counts, exitCode } of runs) {
    const isEmpty = counts !== undefined && counts.passed + counts.failed === 0 && exitCode === 0;
    const settled = isEmpty ? counts : settle(counts, exitCode);
    total.passed += settled.passed;
    total.failed += settled.failed;
    total.skipped += settled.skipped;
  }
  return settle(total, 0);
}

/** The closing line; people and programs read it, so its form is fixed. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
