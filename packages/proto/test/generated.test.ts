// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

describe("generated code", () => {
  it("is what the definitions generate, and the definitions are linted and formatted", () => {
    const script = fileURLToPath(new URL("../tools/generate.mjs", import.meta.url));
    const run = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8", timeout: 60_000 });
    expect({ status: run.status, output: run.stdout + run.stderr }).toEqual({ status: 0, output: "" });
  }, 60_000);
});
