// SPDX-License-Identifier: Apache-2.0
import { Socket } from "node:net";
import pg from "pg";
import { StatementFailure } from "./failure.ts";
import { type DriverConfig, sessionSettings } from "./options.ts";
import type { PostgresTarget } from "./target.ts";
import { after } from "./timers.ts";

/** Values as the wire carries them: everything is text, or null. */
export type Row = Readonly<Record<string, string | null>>;

export interface Reply {
  readonly rows: readonly Row[];
  /** When the reply was seen, in monotonic nanoseconds. */
  readonly atNs: bigint;
}

export interface StatementOptions {
  /** Names it in errors. */
  readonly what: string;
  /** A WARNING while it ran means that it did not succeed (`postgres-redis.md` 3.8). */
  readonly isWrite?: boolean;
  /** Called in the moment before it is sent, which may be later than the call. Throw to send nothing. */
  readonly beforeSend?: () => void;
}

export interface SessionListener {
  /** Once, with the first thing that went wrong; not after {@link PgSession.end}. */
  onLost(failure: StatementFailure): void;
  onNotification(): void;
}

/** More calls than this at once are refused: a queue of a session must not grow without bound. */
const MAX_QUEUED = 4_096;

/**
 * One session with the server, never pooled: it may hold the lock, and then it is the lock. Statements go one at a
 * time, in the order of the calls. The first failure that makes its state doubtful destroys it for good.
 */
export class PgSession {
  readonly #config: DriverConfig;
  readonly #client: pg.Client;
  readonly #socket: Socket;
  readonly #listener: SessionListener;
  #queue: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #failure: StatementFailure | undefined;
  #ended = false;
  #warnings: string[] = [];
  #rejectCurrent: ((failure: StatementFailure) => void) | undefined;

  constructor(config: DriverConfig, target: PostgresTarget, listener: SessionListener) {
    this.#config = config;
    this.#listener = listener;
    this.#socket = new Socket();
    const settings = Object.entries(sessionSettings(config))
      .map(([name, value]) => `-c ${name}=${value.replaceAll(" ", "\\ ")}`)
      .join(" ");
    this.#client = new pg.Client({
      host: target.host,
      port: target.port,
      database: target.database,
      user: target.user,
      password: target.password,
      ssl: target.ssl,
      enableChannelBinding: target.ssl !== false,
      stream: () => this.#socket,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1_000,
      application_name: config.identity.applicationName,
      options: settings,
      types: { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig,
    });
    // The end of an idle session comes as two events; the first says why.
    this.#client.on("error", (error) => this.#lose(StatementFailure.of("the connection was lost", error, true)));
    this.#client.on("end", () => this.#lose(StatementFailure.of("the connection was lost", ended(), true)));
    // Not by its severity, which comes in the language of the server: a mere notice has the code of success in all.
    this.#client.on("notice", ({ code, message }) => {
      if (code !== "00000") this.#warnings.push(message ?? "");
    });
    this.#client.on("notification", () => listener.onNotification());
  }

  /** The process that the server's greeting named; a pooler names one of its own. */
  get processId(): number {
    return (this.#client as { readonly processID?: number | null }).processID ?? 0;
  }

  /** The process that answered during the checks; every renewal is compared with it. */
  backendPid = "";

  get failure(): StatementFailure | undefined {
    return this.#failure;
  }

  /** @throws StatementFailure */
  async connect(): Promise<void> {
    await this.#guarded("cannot connect", this.#config.connectTimeoutMs, false, async () => {
      await this.#client.connect();
    });
  }

  /**
   * Runs one statement after those before it.
   *
   * @throws StatementFailure, or what `beforeSend` threw
   */
  run(text: string, values: readonly (string | readonly string[] | null)[], options: StatementOptions): Promise<Reply> {
    if (this.#queued >= MAX_QUEUED) {
      return Promise.reject(
        StatementFailure.found("QUEUE", `${MAX_QUEUED} statements wait already`, "the server is too slow for them", {
          kind: "transient",
          connection: "keep",
        }),
      );
    }
    this.#queued += 1;
    const turn = this.#queue.then(() => this.#send(text, values, options));
    this.#queue = turn.then(
      () => this.#settled(),
      () => this.#settled(),
    );
    return turn;
  }

  /** Ends the session at once, without a word to the server. Idempotent. */
  destroy(): void {
    this.#ended = true;
    this.#fail(StatementFailure.of("the session was given up", ended(), true));
  }

  /** Ends the session in good order after the statements before it, or at once if that takes long. */
  async end(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#ended = true;
    const bye = this.#queue.then(() => (this.#failure === undefined ? this.#client.end() : undefined));
    await new Promise<void>((resolve) => {
      const cancel = after(this.#config.opTimeoutMs, resolve);
      void bye
        .catch(() => undefined)
        .finally(() => {
          cancel();
          resolve();
        });
    });
    this.destroy();
  }

  async #send(
    text: string,
    values: readonly (string | readonly string[] | null)[],
    { what, isWrite = false, beforeSend }: StatementOptions,
  ): Promise<Reply> {
    if (this.#failure !== undefined) {
      // It was never sent, whatever became of those before it.
      throw new StatementFailure(`${what}: ${this.#failure.message}`, this.#failure.verdict, { sent: false });
    }
    beforeSend?.();
    this.#warnings = [];
    const rows = await this.#guarded(what, this.#config.opTimeoutMs, isWrite, async () => {
      const result = await this.#client.query<Record<string, string | null>>({ text, values: [...values] });
      return result.rows;
    });
    return { rows, atNs: this.#config.clock.monotonicNs() };
  }

  /** One exchange with the server under the driver's own timer, which destroys the session. */
  async #guarded<T>(what: string, limitMs: number, isWrite: boolean, exchange: () => Promise<T>): Promise<T> {
    const given = new Promise<never>((_resolve, reject) => {
      this.#rejectCurrent = reject;
    });
    let isOver = false;
    const cancel = after(limitMs, () => {
      // After a stall of this process the reply may be here already, unread; one turn of the loop reads it.
      setImmediate(() => {
        if (isOver) return;
        const late = new Error(`no answer within ${limitMs} ms`);
        this.#lose(StatementFailure.of(what, Object.assign(late, { code: "ETIMEDOUT" }), true));
      });
    });
    try {
      const value = await Promise.race([exchange(), given]);
      if (isWrite && this.#warnings.length > 0) throw this.#warned(what);
      return value;
    } catch (error) {
      const failure = this.#failure ?? StatementFailure.of(what, error, true);
      if (failure.verdict.connection === "destroy") this.#lose(failure);
      throw failure === this.#failure
        ? new StatementFailure(prefixed(what, failure), failure.verdict, { sent: true, cause: failure.cause })
        : failure;
    } finally {
      isOver = true;
      cancel();
      this.#rejectCurrent = undefined;
    }
  }

  #warned(what: string): StatementFailure {
    return StatementFailure.found(
      "WARNING",
      `${what}: the server answered with a warning: ${this.#warnings.join("; ")}`,
      "the write may exist on this server only, so it does not count",
      { kind: "transient", outcome: "unknown", sent: true },
    );
  }

  #lose(failure: StatementFailure): void {
    if (!this.#fail(failure) || this.#ended) return;
    this.#ended = true;
    this.#listener.onLost(failure);
  }

  /** Whether this was the first failure. */
  #fail(failure: StatementFailure): boolean {
    if (this.#failure !== undefined) return false;
    this.#failure = failure;
    this.#socket.destroy();
    this.#rejectCurrent?.(failure);
    return true;
  }

  #settled(): void {
    this.#queued -= 1;
  }
}

function prefixed(what: string, failure: StatementFailure): string {
  const text = failure.message.replace(`; ${failure.verdict.advice}`, "");
  return text.startsWith(what) ? text : `${what}: ${text}`;
}

function ended(): Error {
  return new Error("Connection terminated");
}
