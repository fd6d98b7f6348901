// SPDX-License-Identifier: Apache-2.0
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take half a minute and more, mostly waiting. Of several that run at a time, none of these may be the one
 * that is begun when all others are done; and at the beginning, one that computes stands beside one that waits.
 */
const LONGEST: readonly string[] = [
  "driver-raft/test/conformance.test.ts",
  "session/test/stores/postgres/faults.test.ts",
  "test-services/test/postgres.test.ts",
  "stress/test/stores.test.ts",
  "driver-etcd/test/conformance-three-members.test.ts",
  "cli/test/raft.test.ts",
  "quorum/test/chaos/campaign.test.ts",
  "cli/test/redis.test.ts",
  "driver-etcd/test/conformance.test.ts",
  "stress/test/stress.test.ts",
  "cli/test/raft-faults.test.ts",
  "driver-postgres/test/failover.test.ts",
  "cli/test/store-usage.test.ts",
  "driver-postgres/test/conformance.test.ts",
  "stress/test/sessions/stress-sessions.test.ts",
  "sim/test/smoke.test.ts",
  "sim/test/mutants.test.ts",
];

/** Begins with the longest files; a name that is no file any more does no harm. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.replaceAll("\\", "/").endsWith(`/packages/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
