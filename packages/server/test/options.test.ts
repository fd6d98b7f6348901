// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { MEMORY_CAPABILITIES, openMemoryDriver } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { createServer, DEFAULT_LIMITS, ServerOptionError, type ServerOptions } from "../src/index.ts";
import { resolveOptions } from "../src/options.ts";
import { ScriptedDriver } from "./support/scripted-driver.ts";

const driver = new ScriptedDriver();
const pem = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8");

describe("server options", () => {
  it("fills in the defaults of the reference", () => {
    expect(resolveOptions({ driver })).toMatchObject({
      windowAheadMs: 3_000,
      failoverAdvanceMs: 1_000,
      shutdownGraceMs: 10_000,
      heartbeatIntervalMs: 10_000,
      maxSeqCount: 65_536,
      maxSeqBatchKeys: 128,
      leaseTtl: { floorMs: 5_000, ceilingMs: 300_000 },
      limits: DEFAULT_LIMITS,
      sidePort: undefined,
    });
  });

  it("keeps the default failover advance within a window that was made shorter", () => {
    expect(resolveOptions({ driver, windowAheadMs: 200 }).failoverAdvanceMs).toBe(200);
  });

  it("listens with the side port on loopback unless told otherwise", () => {
    expect(resolveOptions({ driver, sidePort: 9551 }).sidePort).toEqual({ host: "127.0.0.1", port: 9551 });
  });

  const bad: [string, string, Partial<ServerOptions>][] = [
    ["driver", "a missing driver", { driver: undefined as never }],
    ["windowAheadMs", "a window of zero", { windowAheadMs: 0 }],
    ["windowAheadMs", "a fractional window", { windowAheadMs: 0.5 }],
    ["windowAheadMs", "a window that is text", { windowAheadMs: "3s" as never }],
    ["failoverAdvanceMs", "an advance longer than the window", { windowAheadMs: 500, failoverAdvanceMs: 501 }],
    ["shutdownGraceMs", "a negative grace", { shutdownGraceMs: -1 }],
    ["heartbeatIntervalMs", "an interval beyond what timers can count", { heartbeatIntervalMs: 2 ** 31 }],
    ["maxSeqCount", "a sequence count beyond 32 bits", { maxSeqCount: 2 ** 32 }],
    ["leaseTtlFloorMs", "a lease floor above the ceiling", { leaseTtlFloorMs: 9, leaseTtlCeilingMs: 8 }],
    ["limits.maxConnections", "a limit of zero", { limits: { maxConnections: 0 } }],
    ["limits.maxConection", "a limit that does not exist", { limits: { maxConection: 1 } as never }],
    ["sidePort", "a port beyond 65535", { sidePort: 65_536 }],
    ["tls.cert", "a TLS key without a certificate", { tls: { key: pem("server.key") } as never }],
    ["tls.key", "a certificate without its key", { tls: { cert: pem("server.crt") } as never }],
    ["tls.clientCa", "an empty client authority", { tls: { cert: "x", key: "y", clientCa: "" } }],
    ["tls", "a key that belongs to another certificate", { tls: { cert: pem("server.crt"), key: pem("client.key") } }],
    ["tls", "something that is not PEM", { tls: { cert: "not", key: "pem" } }],
  ];
  it.each(bad)("refuses, naming %s, %s", (option, _what, options) => {
    const create = (): unknown => createServer({ driver, ...options });
    expect(create).toThrow(ServerOptionError);
    expect(create).toThrow(expect.objectContaining({ option, message: expect.stringMatching(/expected .*, got /s) }));
  });

  it("refuses a driver that can lose acknowledged writes, unless that is accepted", () => {
    const forgetful = openMemoryDriver();
    expect(MEMORY_CAPABILITIES.durability).toBe("asynchronous");
    expect(() => resolveOptions({ driver: forgetful })).toThrow(/acceptDataLoss: true/);
    expect(resolveOptions({ driver: forgetful, acceptDataLoss: true }).driver).toBe(forgetful);
  });
});
