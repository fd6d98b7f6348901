// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import { physicalMs } from "@tsoracle/core";
import { waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Freshness } from "../src/index.ts";
import { urlsOf, useEtcd } from "./cluster.ts";
import { leads, openNode, prepare, TERMS } from "./node.ts";
import { OracleProcess } from "./spawn-oracle.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 1);
const url = (): string => urlsOf(etcd())[0] ?? "";

/**
 * Stops a leading process, lets this one lead and grant, and then asks the stopped one, which wakes with the request in
 * its pipe. Whatever it grants is asked for after `newest` was granted.
 */
async function askAfterPause(
  oracle: string,
  mode: "checked" | "unchecked",
  freshness: Freshness,
): Promise<{ readonly newest: number; readonly answer: string }> {
  await prepare([url()], oracle, { freshness });
  await using old = new OracleProcess(url(), oracle, mode, freshness);
  await old.line("leader");
  expect(await old.get()).toMatch(/^granted /);
  old.pause();
  await using successor = await openNode([url()], oracle, { freshness });
  const { epoch } = await leads(successor);
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

describe.concurrent("processes", { timeout: 60_000 }, () => {
  it.each(["lease", "confirm"] as const)(
    "a leader that was stopped past its tenure and its lease grants nothing, with %s",
    async (freshness) => {
      expect(await askAfterPause(`paused-${freshness}`, "checked", freshness)).toMatchObject({ answer: "refused" });
    },
  );

  it("and would grant what is older than what was granted since, if it did not ask its tenure", async () => {
    const { newest, answer } = await askAfterPause("unchecked", "unchecked", "lease");
    expect(granted(answer)).toBeLessThan(newest);
  });

  it("a leader that was stopped for less than its tenure goes on in the same reign", async () => {
    await prepare([url()], "nap");
    await using leader = new OracleProcess(url(), "nap", "checked", "lease");
    await leader.line("leader");
    const before = granted(await leader.get());
    leader.pause();
    await pause(TERMS.tenureMs / 4);
    leader.resume();
    // On a busy machine its last renewal may have been an old one: then it refuses until the next.
    const after = await waitUntil("an answer after the nap", async () => {
      const answer = await leader.get();
      return answer === "refused" ? undefined : granted(answer);
    });
    expect(after).toBeGreaterThan(before);
    expect(leader.lines.filter((line) => line.startsWith("leader"))).toHaveLength(1);
  });

  it("after kill -9 another leads, above everything that was granted", async () => {
    await prepare([url()], "killed");
    const victim = new OracleProcess(url(), "killed", "checked", "lease");
    await victim.line("leader");
    const before = granted(await victim.get());
    await using successor = await openNode([url()], "killed");
    await victim[Symbol.asyncDispose]();
    await leads(successor);
    expect(await successor.loadHighWater()).toBeGreaterThanOrEqual(before);
  });
});
