// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { FaultProxy, type PostgresServer, usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertifiedStore, certifyStore } from "../../../src/certification.ts";
import { openPostgresJournal } from "../../../src/postgres.ts";
import { asRole, prepareTables } from "../../stores/postgres/database.ts";
import { contractOf } from "../certified.ts";

const server = usePostgres({ beforeAll, afterAll });
/** Of each packet, in each direction, while the store is slow. */
const DELAY_MS = 40;

/** One schema of a real server, and one proxy before it for every node. */
async function postgres(behind: PostgresServer): Promise<CertifiedStore & AsyncDisposable> {
  const { schema, database } = await prepareTables(behind.url);
  const nodes = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const proxy = await FaultProxy.open(behind);
      const url = asRole(proxy.url(database));
      const journal: FencedJournal = await openPostgresJournal({
        url,
        schema,
        maxConnections: 2,
        callTimeoutMs: 5_000,
      });
      return { proxy, journal };
    }),
  );
  const flow = (some: typeof nodes, flow: Parameters<FaultProxy["set"]>[0]): void => {
    for (const { proxy } of some) proxy.set(flow);
  };
  const pass = { up: "pass", down: "pass" } as const;
  return {
    name: "postgres",
    journal: (node) => nodes[node]?.journal ?? Promise.reject(new RangeError(`there is no node ${node}`)),
    slowDown: () => {
      flow(nodes, { up: { delayMs: DELAY_MS }, down: { delayMs: DELAY_MS } });
      return () => flow(nodes, pass);
    },
    cutOff: () => {
      flow(nodes.slice(0, 1), { up: "hold", down: "hold" });
      return () => flow(nodes.slice(0, 1), pass);
    },
    [Symbol.asyncDispose]: async () => {
      for (const { journal, proxy } of nodes) {
        await journal[Symbol.asyncDispose]();
        await proxy.close();
      }
    },
  };
}

describe("certification of sessions on Postgres, with its network slow and cut (G11, G12)", () => {
  it("passes every scenario, budget and pressure", { timeout: 180_000 }, async () => {
    await using store = await postgres(await server());
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
