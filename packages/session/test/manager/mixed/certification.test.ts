// SPDX-License-Identifier: Apache-2.0
import { usePostgres, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certifyStore } from "../../../src/certification.ts";
import { contractOf } from "../certified.ts";
import { certifiedPostgres } from "../postgres/certified-postgres.ts";
import { certifiedRedis } from "../redis/certified-redis.ts";
import { certifiedMixed } from "./certified-mixed.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const redis = useRedis({ beforeAll, afterAll }, 3);

describe("certification of sessions with snapshots on Postgres and entries on Redis, both slow and cut (G11, G12)", () => {
  it("passes every scenario, budget and pressure", { timeout: 240_000 }, async () => {
    await using store = certifiedMixed(await certifiedPostgres(postgres()), await certifiedRedis(redis()));
    const contract = contractOf(store.name, "kv_consensus");
    const certificate = await certifyStore(store, { runId: "run-1", contract });
    expect(certificate.pressure.results.map(({ reason }) => reason)).toEqual(Array(3).fill("within budget"));
    expect(certificate.contention).toMatchObject({ invariantFailures: [], failedBudgets: [] });
    expect(certificate.failover).toMatchObject({ failedScenarios: [], nondeterministicFailures: [] });
    expect(certificate.passed).toBe(true);
  });
});
