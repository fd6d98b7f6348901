// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { guardedMetrics } from "../src/client-metrics.ts";
import { ConnectionPool } from "../src/connection-pool.ts";
import { targetOf } from "../src/target.ts";

const configured = targetOf("127.0.0.1:1", false);

describe("connection pool", () => {
  it("keeps one connection for each target, and dials none", () => {
    const pool = new ConnectionPool([configured], undefined, guardedMetrics(undefined));
    const connection = pool.get(configured);
    expect(pool.get(targetOf("127.0.0.1:1", false))).toBe(connection);
    expect(connection.session).toBeUndefined();
    expect(connection.calls.ready).toBe(false);
    pool.close();
    expect(pool.get(configured)).not.toBe(connection);
    pool.close();
  });

  it("evicts a connection only while it is the present one", () => {
    const pool = new ConnectionPool([configured], undefined, guardedMetrics(undefined));
    const stale = pool.get(configured);
    pool.evict(stale);
    const fresh = pool.get(configured);
    expect(fresh).not.toBe(stale);
    // A call that had used the first one fails late.
    pool.evict(stale);
    expect(pool.get(configured)).toBe(fresh);
    pool.close();
  });

  it("drops the oldest of the servers that only hints have named, and never a configured one", () => {
    const pool = new ConnectionPool([configured], undefined, guardedMetrics(undefined));
    const kept = pool.get(configured);
    const hinted = Array.from({ length: 40 }, (_, index) => targetOf(`127.0.0.1:${1000 + index}`, false));
    const connections = hinted.map((target) => pool.get(target));
    expect(pool.get(configured)).toBe(kept);
    expect(pool.get(hinted[39] as (typeof hinted)[0])).toBe(connections[39]);
    expect(pool.get(hinted[0] as (typeof hinted)[0])).not.toBe(connections[0]);
    pool.close();
  });
});
