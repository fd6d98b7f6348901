// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { openFileDriver } from "@tsoracle/driver-file";
import { createServer } from "@tsoracle/server";
import type { ServerKind } from "./cases.ts";
import type { ServerCommand, ServerReply } from "./messages.ts";
import { startTcpServer } from "./tcp-server.ts";

/** Counts the writes that reach the store, so that a run can prove that windows were extended. */
let persists = 0;
let cleanUp: () => Promise<void> = async () => {};

async function openDriver(kind: ServerKind & { kind: "oracle" }): Promise<ConsensusDriver> {
  if (kind.driver === "memory") return openMemoryDriver();
  const stateDir = await mkdtemp(join(tmpdir(), "tsoracle-bench-"));
  const driver = await openFileDriver({ stateDir });
  cleanUp = async () => {
    await driver[Symbol.asyncDispose]();
    await rm(stateDir, { recursive: true, force: true });
  };
  return driver;
}

async function startOracle(kind: ServerKind & { kind: "oracle" }): Promise<number> {
  const driver = await openDriver(kind);
  const persist = driver.persistHighWater.bind(driver);
  driver.persistHighWater = (...args) => {
    persists += 1;
    return persist(...args);
  };
  const { windowAheadMs, failoverAdvanceMs } = kind;
  const server = createServer({ driver, windowAheadMs, failoverAdvanceMs, heartbeatIntervalMs: 0, acceptDataLoss: true });
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  return address.port;
}

function reply(message: ServerReply): void {
  process.send?.(message);
}

process.on("message", async (command: ServerCommand) => {
  switch (command.type) {
    case "start":
      reply({
        type: "ready",
        port: command.server.kind === "tcp" ? await startTcpServer() : await startOracle(command.server),
      });
      return;
    case "usage": {
      const { user, system } = process.cpuUsage();
      reply({ type: "usage", cpuMicros: user + system, persists });
      return;
    }
    default:
      command satisfies never;
  }
});

// The parent's end, however it came about, is this process's end.
process.on("disconnect", async () => {
  await cleanUp();
  process.exit(0);
});
