// SPDX-License-Identifier: Apache-2.0
import { chmod, chown, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { externalServer } from "../external-server.ts";
import { PORT_TAKEN } from "../free-port.ts";
import { type LaunchOptions, ManagedServer, startOnFreePorts } from "../managed-server.ts";
import { OwnedDirectory } from "../owned-directory.ts";
import { onLifeline, preferredLifeline } from "../process/lifeline.ts";
import type { ProcessSpec } from "../process/server-process.ts";
import { type ResolverContext, systemContext } from "../resolver-context.ts";
import { runTool } from "../run-tool.ts";
import type { Server } from "../server.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";
import { createIsolatedDatabase, type IsolatedDatabase, runSql } from "./database.ts";
import { locatePostgres, type PostgresBinaries } from "./locate.ts";
import { releaseSharedMemory } from "./shared-memory.ts";

export interface PostgresOptions extends LaunchOptions {
  /** Server settings by name, for example `{ synchronous_commit: "off" }`. Can be changed before a restart. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Files to write into the data directory before the first start, for example `pg_hba.conf` or `standby.signal`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Begin with a copy of this data directory instead of an empty one; its server must have been shut down. */
  readonly copyOf?: string;
}

/** A Postgres with the superuser `postgres` and trust authentication on loopback. */
export interface PostgresServer extends Server {
  /** Undefined for a server of the environment. */
  readonly dataDirectory: string | undefined;
  /** An empty database of its own, `test_...` unless a prefix is given. */
  createDatabase(prefix?: string): Promise<IsolatedDatabase>;
  /** As {@link Server.restart}; given settings replace those of the start. */
  restart(options?: Pick<PostgresOptions, "settings">): Promise<void>;
}

const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "32MB",
  max_connections: "200",
  // In files of the data directory, so that a killed server leaves nothing behind in the machine's shared memory.
  dynamic_shared_memory_type: "mmap",
};

/**
 * Starts a Postgres, or takes the one that TEST_POSTGRES_URL names. fsync stays on: what is acknowledged is on disk.
 *
 * @throws ServiceUnavailable when there is none, with everything that was tried
 */
export async function startPostgres(
  options: PostgresOptions = {},
  context: ResolverContext = systemContext(),
): Promise<PostgresServer> {
  const located = await locatePostgres(context);
  if (located.kind === "url") return await externalPostgres(located.urls[0] ?? "", located.via);
  return await startOnFreePorts(1, async ([port = 0]) => {
    const directory = new OwnedDirectory();
    try {
      await createData(directory.path, located, options);
      return new OwnPostgres(port, located, directory, options);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  });
}

async function externalPostgres(url: string, via: string): Promise<PostgresServer> {
  try {
    await runSql(url, "SELECT 1");
  } catch (error) {
    throw new ServiceUnavailable("Postgres", [`${via}: ${(error as Error).message}`], "start that server, or unset it");
  }
  return {
    ...externalServer(url, via, 5432),
    dataDirectory: undefined,
    createDatabase: (prefix = "test") => createIsolatedDatabase(url, prefix),
  };
}

async function createData(base: string, binaries: PostgresBinaries, options: PostgresOptions): Promise<void> {
  const { account } = binaries;
  const data = join(base, "data");
  if (account !== undefined) await chown(base, account.uid, account.gid);
  if (options.copyOf === undefined) {
    const args = ["-D", data, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync"];
    const program = join(binaries.directory, "initdb");
    // It ends by itself within a second, so it needs no life line where that would need a pipe.
    const initdb =
      preferredLifeline() === "death-signal" ? onLifeline("death-signal", program, args) : { command: program, args };
    const result = await runTool(initdb.command, initdb.args, { account, cwd: "/", env: { LC_ALL: "C", TZ: "UTC" } });
    if (result.code !== 0) {
      throw new Error(`initdb of ${binaries.via} failed: ${(result.stderr || result.stdout).trim().slice(-2_000)}`);
    }
  } else {
    await mkdir(data);
    await cp(options.copyOf, data, { recursive: true, verbatimSymlinks: true });
    await rm(join(data, "postmaster.pid"), { force: true });
    await chmod(data, 0o700);
  }
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(data, name), text);
  if (account !== undefined) await runTool("chown", ["-R", `${account.uid}:${account.gid}`, data]);
}

class OwnPostgres extends ManagedServer implements PostgresServer {
  readonly url: string;
  readonly dataDirectory: string;
  protected readonly shutdownSignal = "SIGINT"; // "Fast": ends the sessions and writes a checkpoint.
  protected override readonly passing = new RegExp(
    `${PORT_TAKEN.source}|pre-existing shared memory block|lock file "postmaster.pid" already exists`,
    "i",
  );
  readonly #binaries: PostgresBinaries;
  readonly #directory: OwnedDirectory;
  readonly #lifeline: PostgresOptions["lifeline"];
  #settings: Readonly<Record<string, string>>;

  constructor(port: number, binaries: PostgresBinaries, directory: OwnedDirectory, options: PostgresOptions) {
    super(port, binaries.via);
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.dataDirectory = join(directory.path, "data");
    this.#binaries = binaries;
    this.#directory = directory;
    this.#lifeline = options.lifeline;
    this.#settings = options.settings ?? {};
  }

  protected spec(): ProcessSpec {
    const settings = { ...DEFAULT_SETTINGS, ...this.#settings };
    return {
      command: join(this.#binaries.directory, "postgres"),
      args: [
        ...["-D", this.dataDirectory, "-p", String(this.port)],
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      log: this.output,
      env: { LC_ALL: "C", TZ: "UTC" },
      account: this.#binaries.account,
      cwd: "/",
      ready: /ready to accept (read-only )?connections/,
      lifeline: this.#lifeline,
    };
  }

  createDatabase(prefix = "test"): Promise<IsolatedDatabase> {
    return createIsolatedDatabase(this.url, prefix);
  }

  override async restart(options: Pick<PostgresOptions, "settings"> = {}): Promise<void> {
    if (options.settings !== undefined) this.#settings = options.settings;
    await super.restart();
  }

  protected async discard(): Promise<void> {
    releaseSharedMemory(this.dataDirectory);
    await this.#directory[Symbol.asyncDispose]();
  }
}
