// SPDX-License-Identifier: Apache-2.0
import { conformance } from "@tsoracle/conformance";
import { useRedis, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Cluster } from "./cluster.ts";
import { redisSubject } from "./subject.ts";

vi.setConfig({ testTimeout: 120_000 });

const redis = useRedis({ beforeAll, afterAll }, 3);
conformance({ describe, it }, redisSubject({ redis, redisNodes: 3, freshness: "confirm" }), {
  runs: 1,
  timeoutMs: 60_000,
});

describe("confirm mode", () => {
  it("needs a round per answer, and never confirms a leader that another has followed", async () => {
    const cluster = await Cluster.create(redis(), { freshness: "confirm" });
    await using old = await cluster.open();
    const reign = await old.reign();
    expect(old.driver.capabilities.realTimeOrder).toBe("confirm");
    expect(await reign.tenure.confirm?.()).toBe(true);
    await using next = await cluster.open();
    old.cut(0, 1, 2);
    await cluster.expireDampers();
    next.driver.stand();
    const newer = await next.reign();
    // The old one does not know, and its clock says nothing; only the store does.
    expect(reign.tenure.valid()).toBe(true);
    const asked = reign.tenure.confirm?.() ?? Promise.resolve(true);
    const cutOff = asked.catch((error: { readonly code?: string }) => error.code);
    expect(await cutOff).toMatch(/transient|uncertain/);
    old.heal(0, 1, 2);
    await waitUntil(
      "the old one to reach the nodes",
      async () => (await reign.tenure.confirm?.().catch(() => true)) === false,
    );
    expect(reign.tenure.valid()).toBe(false);
    expect(await newer.tenure.confirm?.()).toBe(true);
  });
});
