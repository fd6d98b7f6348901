// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { clauseIds, renderClauses } from "../src/index.ts";

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");

describe("the contract", () => {
  it("has a clause for every label of the driver interface, and no other", async () => {
    const source = await read("../../consensus/src/driver.ts");
    const labels = [...source.matchAll(/Contract — ([a-z]+\.[a-z-]+):/g)].map(([, id]) => id as string);
    const ofTheKit = clauseIds.filter((id) => !id.startsWith("harness.") && !id.startsWith("history."));
    expect(labels.sort()).toEqual([...ofTheKit].sort());
  });

  it("is on its page as the kit has it", async () => {
    const page = await read("../../../docs/contract.md");
    expect(page, "run `corepack pnpm conformance`").toContain(renderClauses());
  });

  it("has only ids on its page that exist", async () => {
    const page = await read("../../../docs/contract.md");
    const groups = new Set(clauseIds.map((id) => id.split(".")[0]));
    const named = [...page.matchAll(/`([a-z]+)\.([a-z-]+)`/g)].filter(([, group]) => groups.has(group));
    const unknown = named
      .map(([, group, rest]) => `${group}.${rest}`)
      .filter((id) => !clauseIds.some((known) => known === id));
    expect(unknown).toEqual([]);
  });
});
