// SPDX-License-Identifier: Apache-2.0
import { writeSync } from "node:fs";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { type AdminPortOptions, createServer, type ServerEnd, type TsoServer } from "@tsoracle/server";
import type { Logger } from "pino";
import { CliError, oneLine } from "../cli-error.ts";
import { EXIT_DONE } from "../exit-code.ts";
import { formatListenAddress } from "../listen-address.ts";
import { openLogger } from "../logger.ts";
import { checkServeFlags, readServerTls, type ServeFlags, type ServerTls } from "./flags.ts";
import { stopRequest } from "./stop-request.ts";

export interface ServedDriver {
  readonly open: (logger: Logger) => Promise<ConsensusDriver>;
  /** The user chose a driver that may forget what it acknowledged: how that shows, for the log. */
  readonly mayForget?: string;
  /** Where operators change the members, for a driver that has them. */
  readonly adminPort?: AdminPortOptions;
}

interface ServerParts {
  readonly flags: ServeFlags;
  readonly tls: ServerTls | undefined;
  readonly driver: ConsensusDriver;
  readonly served: ServedDriver;
  readonly logger: Logger;
}

function buildServer({ flags, tls, driver, served, logger }: ServerParts): TsoServer {
  try {
    return createServer({
      driver,
      windowAheadMs: flags.windowAhead,
      failoverAdvanceMs: flags.failoverAdvance,
      leaseTtlFloorMs: flags.leaseTtlFloor,
      leaseTtlCeilingMs: flags.leaseTtlCeiling,
      shutdownGraceMs: flags.shutdownGrace,
      heartbeatIntervalMs: flags.heartbeatInterval,
      acceptDataLoss: served.mayForget !== undefined,
      logger,
      tls,
      adminPort: served.adminPort,
      sidePort: flags.metrics ? flags.metricsListen : undefined,
    });
  } catch (error) {
    throw new CliError("usage", oneLine(error), { cause: error });
  }
}

/** The one line of standard output. It is written at once: whoever starts us waits for it. */
function announce(address: string): void {
  try {
    writeSync(1, `serving on ${address}\n`);
  } catch {
    // Nobody reads standard output; that is no reason not to serve.
  }
}

async function listen(server: TsoServer, flags: ServeFlags, { adminPort }: ServedDriver): Promise<string> {
  try {
    return (await server.listen(flags.listen)).toString();
  } catch (error) {
    const where = [`--listen ${formatListenAddress(flags.listen)}`];
    if (flags.metrics && flags.metricsListen)
      where.push(`--metrics-listen ${formatListenAddress(flags.metricsListen)}`);
    if (adminPort !== undefined) {
      const { host = "127.0.0.1", port } = adminPort;
      where.push(`--admin-listen ${formatListenAddress({ host, port })}`);
    }
    throw new CliError("failed", `could not listen (${where.join(", ")}): ${oneLine(error)}`, { cause: error });
  }
}

function reportEnd(end: ServerEnd): void {
  switch (end.kind) {
    case "shutdown":
      return;
    case "fault":
      throw new CliError("failed", `stopped serving: ${oneLine(end.error)}`, { cause: end.error });
    default:
      end satisfies never;
  }
}

/**
 * The open driver. A store that does not answer must not keep the process from ending when it is asked to: nothing has
 * been served yet, so it ends at once, and the kernel frees what was taken so far.
 */
async function openUnlessStopped(
  { open }: ServedDriver,
  logger: Logger,
  stop: Promise<string>,
): Promise<ConsensusDriver> {
  const driver = await Promise.race([open(logger), stop.then(() => undefined)]);
  return driver ?? process.exit(EXIT_DONE);
}

/**
 * Opens the driver, serves, and returns after an orderly shutdown.
 *
 * @throws CliError `usage` for flags that contradict each other, before anything is opened; `failed`
 *   when the driver, the port or the server fails
 */
export async function serve(flags: ServeFlags, served: ServedDriver): Promise<void> {
  checkServeFlags(flags);
  const tls = readServerTls(flags);
  const stop = stopRequest(flags.exitWithStdin === true);
  const logger = openLogger(flags.log);
  if (served.mayForget !== undefined) logger.warn(served.mayForget);
  const driver = await openUnlessStopped(served, logger, stop);
  try {
    const server = buildServer({ flags, tls, driver, served, logger });
    announce(await listen(server, flags, served));
    if (server.sideAddress) logger.info({ address: server.sideAddress.toString() }, "metrics, probes and status page");
    if (server.adminAddress) logger.info({ address: server.adminAddress.toString() }, "admin service");
    await Promise.race([stop.then((reason) => server.shutdown(reason)), server.finished]);
    reportEnd(await server.finished);
  } finally {
    await driver[Symbol.asyncDispose]();
  }
  // Standard input may still be open, and must not keep a server alive that has stopped.
  process.exit(EXIT_DONE);
}
