// SPDX-License-Identifier: Apache-2.0
import { useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certifyStore } from "../../../src/certification.ts";
import { contractOf, DELAY_MS } from "../certified.ts";
import { certifiedRedis } from "./certified-redis.ts";

const servers = useRedis({ beforeAll, afterAll }, 5);
describe("certification of sessions on five Redis servers, with their network slow and cut (G11, G12)", () => {
  it("passes every scenario, budget and pressure", { timeout: 240_000 }, async () => {
    await using store = await certifiedRedis(servers());
    const certificate = await certifyStore(store, { runId: "run-1", contract: contractOf("redis", "kv_consensus") });
    expect(certificate.pressure.results.map(({ reason }) => reason)).toEqual(Array(3).fill("within budget"));
    expect(certificate.contention).toMatchObject({ invariantFailures: [], failedBudgets: [] });
    expect(certificate.failover).toMatchObject({ failedScenarios: [], nondeterministicFailures: [] });
    expect(certificate.passed).toBe(true);
    const slow = certificate.pressure.observations.find(({ pressure }) => pressure === "dependency_degraded");
    expect(slow?.takeoverMs).toBeGreaterThan(4 * DELAY_MS);
  });
});
