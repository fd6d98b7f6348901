// SPDX-License-Identifier: Apache-2.0
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certifyStore } from "../../../src/certification.ts";
import { contractOf, DELAY_MS } from "../certified.ts";
import { certifiedPostgres } from "./certified-postgres.ts";

const server = usePostgres({ beforeAll, afterAll });
describe("certification of sessions on Postgres, with its network slow and cut (G11, G12)", () => {
  it("passes every scenario, budget and pressure", { timeout: 180_000 }, async () => {
    await using store = await certifiedPostgres(server());
    const certificate = await certifyStore(store, { runId: "run-1", contract: contractOf("postgres", "sql_quorum") });
    expect(certificate.pressure.results.map(({ reason }) => reason)).toEqual(Array(3).fill("within budget"));
    expect(certificate.contention).toMatchObject({ invariantFailures: [], failedBudgets: [] });
    expect(certificate.failover).toMatchObject({ failedScenarios: [], nondeterministicFailures: [] });
    expect(certificate.passed).toBe(true);
    const slow = certificate.pressure.observations.find(({ pressure }) => pressure === "dependency_degraded");
    // The delay was really there: a takeover takes several round trips.
    expect(slow?.takeoverMs).toBeGreaterThan(4 * DELAY_MS);
  });
});
