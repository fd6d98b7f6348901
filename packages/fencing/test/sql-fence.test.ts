// SPDX-License-Identifier: Apache-2.0
import { usePostgres } from "@tsoracle/test-services";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FenceRecord, type FenceStore, SqlFence, type SqlFenceOptions, type SqlFragment } from "../src/index.ts";
import { storeContract } from "./store-contract.ts";

const server = usePostgres({ beforeAll, afterAll });
let pool: pg.Pool;

beforeAll(async () => {
  pool = new pg.Pool({ connectionString: server().url, max: 8 });
  pool.on("error", () => {});
  for (const fence of Object.values(fences)) await pool.query(fence.createTable());
  await pool.query("CREATE TABLE guarded (id int PRIMARY KEY, epoch numeric(20,0), owner text, value text)");
  await pool.query("CREATE TABLE entries (value text)");
});
afterAll(async () => {
  await pool.end();
});

/** Distinct tables, one of them with a name that must be quoted. */
const tables = { narrow: "fences 64", wide: "fences_128", plain: ["public", "fences_big"] } as const;
const fences = {
  narrow: new SqlFence({ table: tables.narrow }),
  wide: new SqlFence({ table: tables.wide, bits: 128, epochColumn: "Epoch", ownerColumn: 'own"er' }),
  plain: new SqlFence({ table: tables.plain, type: "bigint" }),
};

const run = (fragment: SqlFragment, on: pg.Pool | pg.PoolClient = pool) =>
  on.query<Record<string, unknown>>(fragment.text, [...fragment.values]);

/** The port over one row, as a driver writes it. */
class PostgresFenceStore implements FenceStore {
  readonly #fence: SqlFence;
  readonly #key: string;

  constructor(fence: SqlFence, key: string) {
    this.#fence = fence;
    this.#key = key;
  }

  async load(): Promise<FenceRecord | undefined> {
    const [row] = (await run(this.#fence.load(this.#key))).rows;
    return row === undefined ? undefined : this.#fence.read(row);
  }

  async raise(candidate: FenceRecord): Promise<FenceRecord> {
    const [row] = (await run(this.#fence.raise(this.#key, candidate))).rows;
    if (row !== undefined) return this.#fence.read(row);
    const held = await this.load();
    if (held === undefined) throw new Error("refused by nobody");
    return held;
  }
}

storeContract("Postgres, numeric", 64, (record) => new PostgresFenceStore(fences.narrow, record));
storeContract("Postgres, 128 bits", 128, (record) => new PostgresFenceStore(fences.wide, record));

describe("SqlFence", () => {
  it("refuses epochs that a bigint column cannot hold, before they are sent", () => {
    expect(() => fences.plain.raise("k", { epoch: 2n ** 63n, owner: "a" })).toThrow("[epoch_out_of_range]");
  });

  it("tells the last epochs of a bigint column apart", async () => {
    const store = new PostgresFenceStore(fences.plain, "edge");
    const last = 2n ** 63n - 1n;
    await store.raise({ epoch: last, owner: "a" });
    expect(await store.raise({ epoch: last - 1n, owner: "b" })).toEqual({ epoch: last, owner: "a" });
  });

  it.each([["NaN"], ["-1"], ["18446744073709551616"]])("has a table that does not take %s", async (epoch) => {
    await expect(pool.query('INSERT INTO "fences 64" VALUES ($1, $2, $3)', ["bad", epoch, "a"])).rejects.toThrow();
  });

  it("lets an UPDATE through only under the claim in force", async () => {
    const fence = new SqlFence({ table: "guarded", keyColumn: "id" });
    await pool.query("INSERT INTO guarded VALUES (1, 9007199254740993, 'a', 'old')");
    const write = async (claim: FenceRecord, value: string): Promise<number | null> => {
      const held = fence.holds(claim, 2);
      const sql = `UPDATE guarded SET value = $1 WHERE id = 1 AND ${held.text}`;
      return (await pool.query(sql, [value, ...held.values])).rowCount;
    };
    const epoch = 2n ** 53n + 1n;
    expect([
      await write({ epoch, owner: "a" }, "new"),
      await write({ epoch: epoch - 1n, owner: "a" }, "stale"),
      await write({ epoch: epoch + 1n, owner: "a" }, "unpromised"),
      await write({ epoch, owner: "A" }, "split"),
    ]).toEqual([1, 0, 0, 0]);
    expect((await pool.query("SELECT value FROM guarded")).rows).toEqual([{ value: "new" }]);
  });

  it("would confuse neighbours if it compared as double precision", async () => {
    const [row] = (
      await pool.query(
        "SELECT $1::text::float8 = $2::text::float8 AS floats, $1::text::numeric(20,0) = $2::text::numeric(20,0) AS numerics",
        [String(2n ** 53n), String(2n ** 53n + 1n)],
      )
    ).rows;
    expect(row).toEqual({ floats: true, numerics: false });
  });

  it("keeps a takeover from committing between the check and a write to another table", async () => {
    const fence = fences.narrow;
    await run(fence.raise("locked", { epoch: 5n, owner: "a" }));
    const writer = await pool.connect();
    try {
      await writer.query("BEGIN");
      const held = fence.lockIfHeld("locked", { epoch: 5n, owner: "a" }, 2);
      const written = await writer.query(`WITH fence AS (${held.text}) INSERT INTO entries SELECT $1 FROM fence`, [
        "by a",
        ...held.values,
      ]);
      expect(written.rowCount).toBe(1);
      let taken = false;
      const takeover = run(fence.raise("locked", { epoch: 6n, owner: "b" })).then(() => {
        taken = true;
      });
      await waitingForLock(writer);
      expect(taken).toBe(false);
      await writer.query("COMMIT");
      await takeover;
    } finally {
      writer.release();
    }
    const late = fence.lockIfHeld("locked", { epoch: 5n, owner: "a" }, 2);
    const refused = await pool.query(`WITH fence AS (${late.text}) INSERT INTO entries SELECT $1 FROM fence`, [
      "late",
      ...late.values,
    ]);
    expect(refused.rowCount).toBe(0);
    expect((await pool.query("SELECT value FROM entries")).rows).toEqual([{ value: "by a" }]);
  });

  it("refuses a writer that waited for a takeover to commit", async () => {
    const fence = fences.narrow;
    await run(fence.raise("waited", { epoch: 5n, owner: "a" }));
    const taker = await pool.connect();
    try {
      await taker.query("BEGIN");
      await run(fence.raise("waited", { epoch: 6n, owner: "b" }), taker);
      const held = fence.lockIfHeld("waited", { epoch: 5n, owner: "a" }, 1);
      const writing = pool.query(held.text, [...held.values]);
      await waitingForLock(taker);
      await taker.query("COMMIT");
      expect((await writing).rowCount).toBe(0);
    } finally {
      taker.release();
    }
  });

  it("puts no value into its text, whatever the owner is called", () => {
    const owner = "a'; DROP TABLE entries; --";
    for (const part of [
      fences.narrow.raise(owner, { epoch: 5n, owner }),
      fences.narrow.holds({ epoch: 5n, owner }, 3),
    ]) {
      expect(part.text).not.toContain("DROP");
      expect(part.values).toContain(owner);
    }
    expect(fences.narrow.holds({ epoch: 5n, owner }, 3).text).toContain("$3");
  });

  it.each<SqlFenceOptions>([
    { table: "" },
    { table: "a\u0000b" },
    { table: "x".repeat(64) },
    { table: ["public", ""] },
    { table: "t", epochColumn: "" },
  ])("refuses the names %j", (options) => expect(() => new SqlFence(options)).toThrow("[identifier_invalid]"));

  it.each([
    {},
    { fence_epoch: 5, fence_owner: "a" },
    { fence_epoch: "x", fence_owner: "a" },
    { fence_epoch: "5", fence_owner: "" },
  ])("does not read the row %j", (row) => expect(() => fences.narrow.read(row)).toThrow("[store_malformed]"));
});

/** Resolves when some session waits for a lock that `holder` has. */
async function waitingForLock(holder: pg.PoolClient): Promise<void> {
  for (;;) {
    const { rows } = await holder.query(
      "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))",
    );
    if (rows.length > 0) return;
  }
}
