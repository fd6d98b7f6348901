// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFileDriver } from "@tsoracle/driver-file";
import { afterEach, describe, expect, it } from "vitest";
import { createServer } from "../src/index.ts";
import { becomes, tso, WireClient } from "./support/wire.ts";

const folders: string[] = [];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tsoracle-server-"));
  folders.push(path);
  return path;
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

describe("server on a real directory", () => {
  it("goes on above everything it has served, over restarts and a clock that stepped back", async () => {
    const stateDir = folder();
    const clock = { ms: 1_700_000_000_000, nowMs: () => clock.ms };
    let last = 0n;
    const ids = new Set<bigint>();
    for (let life = 0; life < 4; life += 1) {
      await using driver = await openFileDriver({ stateDir });
      await using server = createServer({ driver, clock, windowAheadMs: 100 });
      using client = new WireClient(await server.listen("127.0.0.1:0"));
      await becomes(server, "serving");
      for (const count of [1, 262_144, 7]) {
        const { physicalMs, logicalStart } = await client.getTs(count);
        const first = (BigInt(physicalMs) << 18n) | BigInt(logicalStart);
        expect(first).toBeGreaterThan(last);
        last = first + BigInt(count) - 1n;
      }
      expect((await client.call(tso.getSeq, { key: "k", count: 2 })).start).toBe(BigInt(life * 2));
      const holder = Buffer.from(`life ${life}`);
      ids.add((await client.call(tso.acquireLease, { holder, holderEpoch: 1n, ttlMs: 60_000n })).leaseId);
      clock.ms -= 10_000;
    }
    expect(ids.size).toBe(4);
  });
});
