// SPDX-License-Identifier: Apache-2.0
import { hasPgBouncer, type PgBouncerOptions, runSql, startPgBouncer, usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initOracle } from "../src/index.ts";
import { openNode } from "./node.ts";
import { prepareOracle, ROLE, TENURE_MS } from "./oracle.ts";
import { PoolerFront } from "./pooler-front.ts";

const postgres = usePostgres({ beforeAll, afterAll });
beforeAll(async () => {
  await prepareOracle(postgres().url, "main");
});

/** How opening a node is refused. */
async function refusalAt(url: string, allowSessionPooler = false): Promise<unknown> {
  const opened = await openNode(url, "main", { allowSessionPooler }).catch((error: Error) => error);
  if (!(opened instanceof Error)) await opened[Symbol.asyncDispose]();
  return opened;
}

describe("an imitation of a transaction pooler", () => {
  it("is refused, whether it refuses startup options or ignores them", async () => {
    await using strict = await PoolerFront.open(postgres(), false);
    expect(await refusalAt(strict.url(postgres().url))).toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/unsupported startup parameter.*\[POOLER\]/),
    });
    await using lax = await PoolerFront.open(postgres(), true);
    expect(await refusalAt(lax.url(postgres().url))).toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/greeting came from process 1853868068.*\[POOLER\]/),
    });
    // Who allows a pooler of sessions is still told when it drops the settings that the driver rests on.
    await runSql(postgres().url, `ALTER ROLE ${ROLE} SET synchronous_commit = off`);
    const dropped = await refusalAt(lax.url(postgres().url), true);
    await runSql(postgres().url, `ALTER ROLE ${ROLE} RESET ALL`);
    expect(dropped).toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/synchronous_commit=on, but the server has it at off.*\[SETTINGS\]/),
    });
  });
});

// It may be missing; hasPgBouncer has said so then.
if (await hasPgBouncer()) {
  const refusal = async (options: Omit<PgBouncerOptions, "users">, allowSessionPooler = false): Promise<unknown> => {
    await using bouncer = await startPgBouncer(postgres(), { users: [ROLE], ...options });
    return await refusalAt(bouncer.through(postgres().url), allowSessionPooler);
  };

  describe.each(["transaction", "session"] as const)("a real PgBouncer that pools by %s", (poolMode) => {
    it("is refused as it comes", async () => {
      expect(await refusal({ poolMode })).toMatchObject({
        code: "permanent",
        message: expect.stringMatching(/unsupported startup parameter.*connect to the server itself.*\[POOLER\]/),
      });
    });

    it("is refused when it was told to swallow the driver's settings", async () => {
      const ignoredStartupParameters = ["options"];
      expect(await refusal({ poolMode, ignoredStartupParameters })).toMatchObject({
        code: "permanent",
        message: expect.stringMatching(/the greeting came from process -?\d+, but process \d+ answers.*\[POOLER\]/),
      });
      // Who allows a pooler is told which of the settings it has lost.
      expect(await refusal({ poolMode, ignoredStartupParameters }, true)).toMatchObject({
        code: "permanent",
        message: expect.stringMatching(/min_messages=warning, but the server has it at notice.*\[SETTINGS\]/),
      });
    });
  });

  describe("init by way of a real PgBouncer", () => {
    it("is refused, whichever way that treats the settings, before anything is written", async () => {
      for (const ignoredStartupParameters of [[], ["options"]]) {
        const pool = { poolMode: "transaction", users: ["postgres"], ignoredStartupParameters } as const;
        await using bouncer = await startPgBouncer(postgres(), pool);
        const url = bouncer.through(postgres().url);
        const made = initOracle({ url, oracle: "pooled", role: ROLE, tenureMs: TENURE_MS });
        await expect(made).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/pooler/) });
      }
      const direct = await initOracle({ url: postgres().url, oracle: "pooled", role: ROLE, tenureMs: TENURE_MS });
      expect(direct.created).toBe(true);
    });
  });
}
