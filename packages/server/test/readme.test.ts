// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COUNTERS, DEFAULT_LIMITS, HISTOGRAMS } from "../src/index.ts";
import { resolveOptions } from "../src/options.ts";
import { ScriptedDriver } from "./support/scripted-driver.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const rows = readme.split("\n").filter((line) => line.startsWith("| `"));

describe("README of the server", () => {
  it("has one row for each metric, with its words, and none besides", () => {
    const shown = rows.filter((row) => row.startsWith("| `tsoracle."));
    const counters = Object.entries(COUNTERS).map(([name, help]) => `| \`${name}\` | ${help} |`);
    const histograms = Object.entries(HISTOGRAMS).map(([name, { help }]) => `| \`${name}\` (histogram) | ${help} |`);
    expect(shown.filter((row) => !row.includes("`tsoracle.process`"))).toEqual([...counters, ...histograms]);
  });

  it("gives each limit its default", () => {
    for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
      const row = rows.find((candidate) => candidate.split("|")[1]?.includes(`\`${name}\``));
      expect(row?.split("|")[2], name).toContain(String(value));
    }
  });

  it("gives each number among the options its default", () => {
    const { leaseTtl, ...resolved } = resolveOptions({ driver: new ScriptedDriver() });
    const numbers = { ...resolved, leaseTtlFloorMs: leaseTtl.floorMs, leaseTtlCeilingMs: leaseTtl.ceilingMs };
    for (const [name, value] of Object.entries(numbers)) {
      if (typeof value !== "number") continue;
      const row = rows.find((candidate) => candidate.split("|")[1]?.includes(`\`${name}\``));
      expect(row?.split("|")[2], name).toContain(String(value));
    }
  });
});
