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
  const server = createServer({
    driver,
    windowAheadMs,
    failoverAdvanceMs,
    heartbeatIntervalMs: 0,
    acceptDataLoss: true,
  });
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  return address.port;
}

function reply(message: ServerReply): void {
  process.send?.(message);
}

async function perform(command: ServerCommand): Promise<ServerReply> {
  switch (command.type) {
    case "start": {
      const { server } = command;
      return { type: "ready", port: server.kind === "tcp" ? await startTcpServer() : await startOracle(server) };
    }
    case "usage": {
      const { user, system } = process.cpuUsage();
      return { type: "usage", cpuMicros: user + system, persists };
    }
    default:
      return command satisfies never;
  }
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

// A failure ends the process, which the parent sees.
process.on("message", (command: ServerCommand) => {
  perform(command).then(reply, fail);
});

// The parent's end, however it came about, is this process's end.
process.on("disconnect", () => {
  cleanUp().then(() => process.exit(0), fail);
});
