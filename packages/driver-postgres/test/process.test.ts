// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import { physicalMs } from "@tsoracle/core";
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRole, leads, NodeLog, openNode } from "./node.ts";
import { prepareOracle, TENURE_MS } from "./oracle.ts";
import { OracleProcess } from "./spawn-oracle.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const database = (): string => postgres().url;

/**
 * Stops a leading process, lets this one lead and grant, and then asks the stopped one, which wakes with the request in
 * its pipe. Whatever it grants is asked for after `newest` was returned.
 */
async function askAfterPause(
  oracle: string,
  mode: "checked" | "unchecked",
  freshness: "lease" | "confirm",
): Promise<{ readonly newest: number; readonly answer: string }> {
  await prepareOracle(database(), oracle, { freshness });
  await using old = new OracleProcess(asRole(database()), oracle, mode, freshness);
  await old.line("leader");
  expect(await old.get()).toMatch(/^granted /);
  old.pause();
  const log = new NodeLog();
  await using successor = await openNode(database(), oracle, { freshness, log });
  const { epoch } = await leads(successor);
  // The server itself ended the idle session; nobody had to be evicted, which would have taken twice as long.
  expect(log.lines.join("\n")).not.toContain("stopped renewing");
  const newest = await successor.loadHighWater();
  await successor.persistHighWater(physicalMs(newest + 1_000), epoch);
  const from = old.lines.length;
  old.ask();
  old.resume();
  return { newest: newest + 1, answer: await old.line("", from) };
}

function granted(answer: string): number {
  expect(answer).toMatch(/^granted [0-9]+$/);
  return Number(answer.split(" ")[1]);
}

describe.concurrent("processes", () => {
  it.each(["lease", "confirm"] as const)(
    "a leader that was stopped past its tenure grants nothing, with %s",
    async (freshness) => {
      expect(await askAfterPause(`paused-${freshness}`, "checked", freshness)).toMatchObject({ answer: "refused" });
    },
  );

  it("and would grant what is older than what was granted since, if it did not ask its tenure", async () => {
    const { newest, answer } = await askAfterPause("unchecked", "unchecked", "lease");
    expect(granted(answer)).toBeLessThan(newest);
  });

  it("a leader that was stopped for less than its tenure goes on in the same reign", async () => {
    await prepareOracle(database(), "nap");
    await using leader = new OracleProcess(asRole(database()), "nap", "checked", "lease");
    await leader.line("leader");
    const before = granted(await leader.get());
    leader.pause();
    await pause(TENURE_MS / 4);
    leader.resume();
    expect(granted(await leader.get())).toBe(before + 1);
  });

  it("after kill -9 another leads, above everything that was granted", async () => {
    await prepareOracle(database(), "killed");
    const victim = new OracleProcess(asRole(database()), "killed", "checked", "lease");
    await victim.line("leader");
    const before = granted(await victim.get());
    await using successor = await openNode(database(), "killed");
    await victim[Symbol.asyncDispose]();
    await leads(successor);
    expect(await successor.loadHighWater()).toBeGreaterThanOrEqual(before);
  });
});
