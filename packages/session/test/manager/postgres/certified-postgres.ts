// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { FaultProxy, type PostgresServer } from "@tsoracle/test-services";
import type { CertifiedStore } from "../../../src/certification.ts";
import { openPostgresJournal } from "../../../src/postgres.ts";
import { asRole, prepareTables } from "../../stores/postgres/database.ts";
import { DELAY_MS } from "../certified.ts";

/** One schema of a real server, and one proxy before it for every node. */
export async function certifiedPostgres(behind: PostgresServer): Promise<CertifiedStore & AsyncDisposable> {
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
