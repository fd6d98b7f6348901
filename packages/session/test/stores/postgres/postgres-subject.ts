// SPDX-License-Identifier: Apache-2.0
import type { JournalFaults, JournalSubject, JournalUniverse, Release } from "@tsoracle/conformance";
import type { FencedJournal } from "@tsoracle/consensus";
import { FaultProxy, type PostgresServer } from "@tsoracle/test-services";
import { openPostgresJournal } from "../../../src/postgres.ts";
import { checkPostgresOptions } from "../../../src/stores/postgres/options.ts";
import { PostgresJournal } from "../../../src/stores/postgres/postgres-journal.ts";
import type { JournalStatements } from "../../../src/stores/postgres/statements.ts";
import { asRole, type JournalTables, prepareTables } from "./database.ts";

/**
 * Longer than anything but a stall takes, on a busy machine too: a call that is given up for being slow is no fault of
 * the store, and the kit cannot judge it. A stall costs a clause this much.
 */
const CALL_TIMEOUT_MS = 2_500;

export interface PostgresSubjectOptions {
  readonly server: () => PostgresServer | Promise<PostgresServer>;
  readonly name?: string;
  /** `kill`: a crash takes the server down with the node, by SIGKILL. @defaultValue "node" */
  readonly crash?: "node" | "server";
  /** Other statements than the store's own, to see that the kit would notice. */
  readonly statements?: (schema: string) => JournalStatements;
}

/** Postgres journals on a real server over TCP faults: three processes, one proxy for each life of each. */
export function postgresJournalSubject(options: PostgresSubjectOptions): JournalSubject {
  return {
    name: options.name ?? "postgres",
    nodes: 3,
    faults: ["crash", "loseReply", "stall", "partition"],
    waivers: {
      tornTail: "the server repairs its own log, which its own tests cover",
      corrupt: "the server keeps checksums of its own pages, where it is told to",
    },
    callTimeoutMs: 2 * CALL_TIMEOUT_MS,
    provision: async () => {
      const server = await options.server();
      return new PostgresUniverse(server, await prepareTables(server.url), options);
    },
  };
}

/** One life of a node: its journal, and the only way it has to the server. */
interface Life {
  readonly journal: FencedJournal;
  readonly proxy: FaultProxy;
}

class PostgresUniverse implements JournalUniverse {
  readonly faults: Partial<JournalFaults> = {
    crash: (node) => this.#crash(node),
    loseReply: (node) => this.#loseReply(node),
    stall: async (node) => this.#flow(node, { up: "hold" }),
    partition: async (node) => this.#flow(node, { up: "hold", down: "hold" }),
  };
  readonly #server: PostgresServer;
  readonly #tables: JournalTables;
  readonly #options: PostgresSubjectOptions;
  readonly #lives = new Map<number, Life>();
  /** Disposals of crashed journals, which nobody waits for until the end. */
  readonly #dead: Promise<void>[] = [];

  constructor(server: PostgresServer, tables: JournalTables, options: PostgresSubjectOptions) {
    this.#server = server;
    this.#tables = tables;
    this.#options = options;
  }

  async open(node: number): Promise<FencedJournal> {
    await this.#lives.get(node)?.proxy.close();
    const { schema, database } = this.#tables;
    const proxy = await FaultProxy.open(this.#server);
    const settings = {
      url: asRole(proxy.url(database)),
      schema,
      limits: { maxEntryBytes: 3_000, maxSnapshotBytes: 4_000 },
      maxConnections: 4,
      callTimeoutMs: CALL_TIMEOUT_MS,
    };
    const { statements } = this.#options;
    const journal =
      statements === undefined
        ? await openPostgresJournal(settings)
        : new PostgresJournal(checkPostgresOptions(settings), statements(schema));
    this.#lives.set(node, { journal, proxy });
    return journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { journal, proxy } of this.#lives.values()) {
      await journal[Symbol.asyncDispose]();
      await proxy.close();
    }
    await Promise.all(this.#dead);
  }

  /** Its connections are reset, as the kernel does for a process that was killed, and nothing more gets through. */
  async #crash(node: number): Promise<void> {
    const { journal, proxy } = this.#life(node);
    this.#lives.delete(node);
    if (this.#options.crash === "server") await this.#server.kill();
    await proxy.close();
    this.#dead.push(Promise.resolve(journal[Symbol.asyncDispose]()));
    if (this.#options.crash === "server") await this.#server.restart();
  }

  /** Armed while a connection stands idle, so that it strikes the next write and not a handshake. */
  async #loseReply(node: number): Promise<void> {
    const { journal, proxy } = this.#life(node);
    for (;;) {
      const settled = await journal.load("no such session").catch((error: { code?: string }) => error.code);
      if (settled === "unknown_session") break;
    }
    void proxy.loseReply();
  }

  #flow(node: number, flows: Parameters<FaultProxy["set"]>[0]): Release {
    const { proxy } = this.#life(node);
    proxy.set(flows);
    return () => proxy.set({ up: "pass", down: "pass" });
  }

  #life(node: number): Life {
    const life = this.#lives.get(node);
    if (life === undefined) throw new TypeError(`open node ${node} first`);
    return life;
  }
}
