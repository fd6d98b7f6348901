// SPDX-License-Identifier: Apache-2.0
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take half a minute and more, mostly waiting. Of several that run at a time, none of these may be the one
 * that is begun when all others are done; and at the beginning, one that computes stands beside one that waits.
 */
const LONGEST: readonly string[] = [
  "packages/driver-raft/test/conformance.test.ts",
  "tools/quorum-of-postgres.test.ts",
  "packages/session/test/stores/postgres/faults.test.ts",
  "packages/test-services/test/postgres.test.ts",
  "packages/stress/test/stores.test.ts",
  "packages/driver-etcd/test/conformance-three-members.test.ts",
  "packages/cli/test/raft.test.ts",
  "packages/quorum/test/chaos/campaign.test.ts",
  "packages/cli/test/redis.test.ts",
  "packages/driver-etcd/test/conformance.test.ts",
  "packages/stress/test/stress.test.ts",
  "packages/cli/test/raft-faults.test.ts",
  "packages/driver-postgres/test/failover.test.ts",
  "packages/cli/test/store-usage.test.ts",
  "packages/driver-postgres/test/conformance.test.ts",
  "packages/stress/test/sessions/stress-sessions.test.ts",
  "packages/sim/test/smoke.test.ts",
  "packages/sim/test/mutants.test.ts",
];

/** Begins with the longest files; a name that is no file any more does no harm. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.replaceAll("\\", "/").endsWith(`/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
