// SPDX-License-Identifier: Apache-2.0
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ManagedServer, startOnFreePorts } from "../managed-server.ts";
import { OwnedDirectory } from "../owned-directory.ts";
import { isRoot, unprivilegedAccount } from "../process/account.ts";
import type { ProcessSpec } from "../process/server-process.ts";
import { type ResolverContext, systemContext } from "../resolver-context.ts";
import { runTool } from "../run-tool.ts";
import type { Server } from "../server.ts";
import { locatePgBouncer, type PgBouncerBinary } from "./locate.ts";

export interface PgBouncerOptions {
  readonly poolMode: "transaction" | "session" | "statement";
  /** Who may connect, without a password. */
  readonly users: readonly string[];
  /** Startup parameters that it drops instead of refusing them. */
  readonly ignoredStartupParameters?: readonly string[];
}

/** A PgBouncer in front of a Postgres. */
export interface PgBouncer extends Server {
  /** A URL of the Postgres, by way of this. */
  through(postgresUrl: string): string;
}

/**
 * Starts a PgBouncer in front of a server that asks for no password.
 *
 * @throws ServiceUnavailable when there is none, with everything that was tried
 */
export async function startPgBouncer(
  target: Pick<Server, "host" | "port">,
  options: PgBouncerOptions,
  context: ResolverContext = systemContext(),
): Promise<PgBouncer> {
  const binary = await locatePgBouncer(context);
  return await startOnFreePorts(1, async ([port = 0]) => {
    const directory = new OwnedDirectory();
    await writeFile(join(directory.path, "users.txt"), options.users.map((user) => `"${user}" ""\n`).join(""));
    await writeFile(join(directory.path, "pgbouncer.ini"), configuration(target, port, directory.path, options));
    const account = isRoot() ? unprivilegedAccount() : undefined;
    if (account !== undefined) await runTool("chown", ["-R", `${account.uid}:${account.gid}`, directory.path]);
    return new OwnPgBouncer(port, binary, directory, account?.name);
  });
}

function configuration(
  target: Pick<Server, "host" | "port">,
  port: number,
  directory: string,
  { poolMode, ignoredStartupParameters = [] }: PgBouncerOptions,
): string {
  return [
    "[databases]",
    `* = host=${target.host} port=${target.port}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = trust",
    `auth_file = ${join(directory, "users.txt")}`,
    `pool_mode = ${poolMode}`,
    `ignore_startup_parameters = ${["extra_float_digits", ...ignoredStartupParameters].join(",")}`,
    "",
  ].join("\n");
}

class OwnPgBouncer extends ManagedServer implements PgBouncer {
  readonly url: string;
  protected readonly shutdownSignal = "SIGTERM";
  readonly #binary: PgBouncerBinary;
  readonly #directory: OwnedDirectory;
  readonly #user: string | undefined;

  constructor(port: number, binary: PgBouncerBinary, directory: OwnedDirectory, user: string | undefined) {
    super(port, binary.via);
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.#binary = binary;
    this.#directory = directory;
    this.#user = user;
  }

  through(postgresUrl: string): string {
    const url = new URL(postgresUrl);
    url.host = `${this.host}:${this.port}`;
    return url.href;
  }

  protected spec(): ProcessSpec {
    return {
      command: this.#binary.bin,
      // Root starts it, reads its program where it may lie, and is left behind before it serves.
      args: [...(this.#user === undefined ? [] : ["-u", this.#user]), join(this.#directory.path, "pgbouncer.ini")],
      log: this.output,
      env: this.#binary.env,
      ready: /process up/,
    };
  }

  protected async discard(): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}
