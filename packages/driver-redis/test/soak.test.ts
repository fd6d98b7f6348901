// SPDX-License-Identifier: Apache-2.0
import { startRedisNodes } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import type { TrustRestart } from "../src/index.ts";
import { soak } from "./soak.ts";

/** Longer by hand: REDIS_SOAK_SECONDS=300. */
const SECONDS = Number(process.env["REDIS_SOAK_SECONDS"] ?? 8);
const SEED = Number(process.env["REDIS_SOAK_SEED"] ?? 1);

async function run(trustRestart: TrustRestart, checksTenure: boolean): ReturnType<typeof soak> {
  const servers = await startRedisNodes(3);
  try {
    return await soak({ servers, trustRestart, durationMs: SECONDS * 1_000, seed: SEED, checksTenure });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

describe("drivers over nodes that are wiped, restarted, paused and cut off", {
  timeout: SECONDS * 1_000 + 150_000,
}, () => {
  it.each<TrustRestart>(["aof-always", "never"])(
    "grant nothing twice or out of order, restarts trusted: %s",
    async (trust) => {
      const { grants, reigns, faults, violations } = await run(trust, true);
      console.info(JSON.stringify({ trust, grants, reigns, faults }));
      expect(violations).toEqual([]);
      expect(reigns).toBeGreaterThan(1);
    },
  );

  it("would grant out of order without the tenure, so that the check can fail", async () => {
    expect((await run("aof-always", false)).violations).not.toEqual([]);
  });
});
