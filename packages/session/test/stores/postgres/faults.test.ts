// SPDX-License-Identifier: Apache-2.0
import { checkJournal } from "@tsoracle/conformance";
import type { FencedJournal, JournalErrorCode } from "@tsoracle/consensus";
import { FaultProxy, type PostgresServer, runSql, startPostgres, usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPostgresJournal, openPostgresJournal } from "../../../src/postgres.ts";
import { asRole, prepareTables, ROLE } from "./database.ts";
import { postgresJournalSubject } from "./postgres-subject.ts";

const shared = usePostgres({ beforeAll, afterAll });
const owner = { epoch: 7n, owner: "a" };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function refusal(call: Promise<unknown>): Promise<{ code: JournalErrorCode; message: string }> {
  return await call.then(
    () => expect.fail("expected the call to reject"),
    (error: { code: JournalErrorCode; message: string }) => error,
  );
}

async function open(server: PostgresServer, options: { callTimeoutMs?: number } = {}): Promise<FencedJournal> {
  const { schema } = await prepareTables(server.url);
  return await openPostgresJournal({ url: asRole(server.url), schema, callTimeoutMs: 20_000, ...options });
}

/** Repeats a call while the server comes back. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!["transient", "uncertain"].includes((error as { code: string }).code)) throw error;
    }
  }
}

describe("Postgres journals on a server that is killed, stopped or started again", () => {
  it("keep everything that resolved, in every clause of the kit that is about it", async () => {
    await using server = await startPostgres();
    const subject = postgresJournalSubject({ server: () => server, name: "postgres, killed", crash: "server" });
    const only = ["journal.durable", "journal.history"] as const;
    const { results } = await checkJournal(subject, { only, runs: 2, timeoutMs: 120_000 });
    expect(results.map(({ outcome, detail }) => `${outcome} ${detail}`.trim())).toEqual(["pass", "pass"]);
  }, 300_000);

  it("answer a call to a stopped server in time, and go on when it continues", async () => {
    await using server = await startPostgres();
    await using journal = await open(server, { callTimeoutMs: 1_500 });
    await journal.createIfAbsent("s", owner);
    await server.pause();
    expect((await refusal(journal.append("s", owner, 1, bytes("1"), 1n))).code).toBe("uncertain");
    expect((await refusal(journal.load("s"))).code).toBe("transient");
    await server.resume();
    await eventually(() => journal.load("s"));
    // Whether it was written is known only now; whichever it was, it was once.
    await eventually(() => journal.append("s", owner, 1, bytes("1"), 1n)).catch(() => undefined);
    expect((await eventually(() => journal.load("s"))).nextSeq).toBe(2);
  }, 120_000);

  it("never let an epoch go back over a restart (G9)", async () => {
    await using server = await startPostgres();
    await using journal = await open(server);
    await journal.createIfAbsent("s", owner);
    await journal.takeover("s", { epoch: 2n ** 63n + 5n, owner: "b" });
    await server.kill();
    await server.restart();
    expect((await eventually(() => journal.load("s"))).fence).toEqual({ epoch: 2n ** 63n + 5n, owner: "b" });
    expect((await refusal(journal.append("s", owner, 1, bytes("late"), 1n))).code).toBe("fenced");
  }, 120_000);
});

describe("Postgres journals and what is wrong with a server", () => {
  it("name the tables that are missing, and the privileges that the role lacks", async () => {
    const server = shared();
    const { schema } = await prepareTables(server.url);
    const absent = await refusal(openPostgresJournal({ url: asRole(server.url), schema: "nowhere" }));
    expect(absent).toMatchObject({ code: "permanent" });
    expect(absent.message).toContain("installPostgresJournal");
    await runSql(server.url, `REVOKE DELETE ON ${schema}.session_entry FROM ${ROLE}`);
    const poor = await refusal(openPostgresJournal({ url: asRole(server.url), schema }));
    expect(poor).toMatchObject({ code: "permanent" });
    expect(poor.message).toContain("DELETE on session_entry");
  });

  it("refuse a server that does not sync, unless the loss is accepted", async () => {
    await using server = await startPostgres({ settings: { fsync: "off" } });
    const { schema } = await prepareTables(server.url);
    const refused = await refusal(openPostgresJournal({ url: server.url, schema }));
    expect(refused).toMatchObject({ code: "permanent" });
    expect(refused.message).toContain("fsync=on");
    await (await openPostgresJournal({ url: server.url, schema, acceptDataLoss: true }))[Symbol.asyncDispose]();
  }, 120_000);

  it("commit synchronously although role and database say otherwise", async () => {
    const server = shared();
    await using database = await server.createDatabase("async");
    const { schema } = await prepareTables(database.url);
    await runSql(database.url, `ALTER DATABASE ${database.name} SET synchronous_commit = off`);
    await using journal = await openPostgresJournal({ url: asRole(database.url), schema });
    await journal.createIfAbsent("s", owner);
    const [row] = await runSql(database.url, "SHOW synchronous_commit");
    expect(row).toEqual({ synchronous_commit: "off" });
  });

  it("say what is wrong with an address, a login and a server that is not there", async () => {
    const server = shared();
    const codeOf = async (url: string): Promise<string> => (await refusal(openPostgresJournal({ url }))).code;
    expect(await codeOf("http://example.invalid/db")).toBe("invalid");
    expect(await codeOf(server.url.replace("/postgres", "/no_such_database"))).toBe("permanent");
    await using proxy = await FaultProxy.open(server);
    const url = asRole(proxy.url(server.url));
    await proxy.close();
    expect(await codeOf(url)).toBe("transient");
  });

  it("install again and again, and only for a role that exists", async () => {
    const server = shared();
    const { schema } = await prepareTables(server.url);
    await installPostgresJournal({ url: server.url, role: ROLE, schema });
    const nobody = await refusal(installPostgresJournal({ url: server.url, role: "nobody_at_all", schema }));
    expect(nobody.message).toContain("CREATE ROLE");
  });

  it("let nobody move a session back behind their backs", async () => {
    const server = shared();
    const { schema } = await prepareTables(server.url);
    await using journal = await openPostgresJournal({ url: asRole(server.url), schema });
    await journal.createIfAbsent("s", owner);
    await expect(runSql(asRole(server.url), `UPDATE ${schema}.session SET epoch = 3`)).rejects.toThrow("backwards");
  });

  it("take a hole between the entries for damage", async () => {
    const server = shared();
    const { schema } = await prepareTables(server.url);
    await using journal = await openPostgresJournal({ url: asRole(server.url), schema });
    await journal.createIfAbsent("s", owner);
    for (const seq of [1, 2, 3]) await journal.append("s", owner, seq, bytes(`${seq}`), 1n);
    await runSql(server.url, `DELETE FROM ${schema}.session_entry WHERE seq = 2`);
    expect((await refusal(journal.load("s"))).code).toBe("permanent");
  });

  it("bound how many connections they hold", async () => {
    const server = shared();
    await using database = await server.createDatabase("bounded");
    const { schema } = await prepareTables(database.url);
    await using journal = await openPostgresJournal({
      url: asRole(database.url),
      schema,
      maxConnections: 2,
      callTimeoutMs: 60_000,
    });
    await Promise.all(Array.from({ length: 40 }, (_, index) => journal.createIfAbsent(`s${index}`, owner)));
    const [row] = await runSql(
      database.url,
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tsoracle-journal'`,
    );
    expect(row).toEqual({ n: 2 });
  });
});
