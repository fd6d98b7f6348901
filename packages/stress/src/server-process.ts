// SPDX-License-Identifier: Apache-2.0
import { writeSync } from "node:fs";
import { createServer, type Logger } from "@tsoracle/server";
import { stressDriver } from "./drivers/index.ts";
import type { ServerCommand } from "./messages.ts";
import { withoutTenureCheck } from "./without-tenure-check.ts";

/**
 * Far ahead, so that a leader which wakes up after a pause still has a window to grant from: what keeps it from
 * answering must be its tenure and nothing else.
 */
const WINDOW_AHEAD_MS = 10_000;

const say = (level: string) => (fields: object, message: string) => {
  process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
};

const logger: Logger = { debug: () => {}, info: () => {}, warn: say("warn"), error: say("error") };

/** Serves until SIGTERM, which hands over in good order. The kernel ends this process when the harness dies. */
async function main(command: ServerCommand): Promise<void> {
  const { address, tenureCheck, config, terms } = command;
  const stressed = stressDriver(command.driver);
  if (stressed === undefined) throw new Error(`expected a driver of the table, got ${JSON.stringify(command.driver)}`);
  const stop = new Promise<void>((resolve) => process.once("SIGTERM", () => resolve()));
  const opened = await stressed.open(config, address, terms);
  const driver = tenureCheck ? opened : withoutTenureCheck(opened);
  const server = createServer({ driver, logger, windowAheadMs: WINDOW_AHEAD_MS, heartbeatIntervalMs: 0 });
  writeSync(1, `serving on ${await server.listen(address)}\n`);
  await Promise.race([stop, server.finished]);
  const end = await server.shutdown("SIGTERM");
  await driver[Symbol.asyncDispose]();
  if (end.kind === "fault") throw end.error;
}

try {
  await main(JSON.parse(process.argv[2] ?? "") as ServerCommand);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
