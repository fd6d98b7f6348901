// SPDX-License-Identifier: Apache-2.0
import { checkEpoch, type EpochBits, epochFromDecimal } from "./epoch-domain.ts";
import { type FenceRecord, fenceRecord } from "./fence-rule.ts";
import { FenceStoreError, FenceValueError } from "./fencing-errors.ts";

/** Text for Postgres with numbered parameters, and their values. No value is ever put into the text. */
export interface SqlFragment {
  readonly text: string;
  readonly values: readonly string[];
}

export interface SqlFenceOptions {
  /** Table of the fence, with its schema if it is not found by the search path. */
  readonly table: string | readonly [schema: string, table: string];
  readonly keyColumn?: string;
  readonly epochColumn?: string;
  readonly ownerColumn?: string;
  /**
   * Type of the epoch column: `numeric` holds every epoch (NUMERIC(20,0), or NUMERIC(39,0) for 128 bits),
   * `bigint` only those below 2^63, and larger ones are refused before they are sent. @defaultValue `numeric`
   */
  readonly type?: "numeric" | "bigint";
  /** @defaultValue 64 */
  readonly bits?: EpochBits;
}

const BIGINT_MAX = 2n ** 63n - 1n;

/**
 * The fence rule as SQL for Postgres, for use inside the statement that writes. Epochs travel as decimal
 * text in both directions (a parameter takes the type of its first cast, and a float would round) and are
 * compared as exact numbers; owners are compared byte by byte, whatever
 * the collation of the column. Source: `fencing-quorum-sessions.md` 1.3, 3.4.
 */
export class SqlFence {
  readonly #bits: EpochBits;
  readonly #type: "numeric" | "bigint";
  readonly #table: string;
  readonly #key: string;
  readonly #epoch: string;
  readonly #owner: string;

  /** @throws FenceValueError `identifier_invalid`. */
  constructor(options: SqlFenceOptions) {
    this.#bits = options.bits ?? 64;
    this.#type = options.type ?? "numeric";
    this.#table = (typeof options.table === "string" ? [options.table] : options.table).map(quoted).join(".");
    this.#key = quoted(options.keyColumn ?? "key");
    this.#epoch = quoted(options.epochColumn ?? "epoch");
    this.#owner = quoted(options.ownerColumn ?? "owner");
  }

  /** The table, with checks that keep out what is no epoch (NaN and fractions included). */
  createTable(): string {
    return (
      `CREATE TABLE IF NOT EXISTS ${this.#table} (${this.#key} text PRIMARY KEY, ` +
      `${this.#epoch} ${this.#sqlType()} NOT NULL CHECK (${this.#epoch} BETWEEN 0 AND ${this.#max()}), ` +
      `${this.#owner} text NOT NULL CHECK (${this.#owner} <> ''))`
    );
  }

  /** The record of a key: one row, or none. Read the row with {@link read}. */
  load(key: string): SqlFragment {
    return { text: `SELECT ${this.#columns()} FROM ${this.#table} WHERE ${this.#key} = $1`, values: [key] };
  }

  /**
   * Promises the fence of a key to a claim, in one statement: takes effect if nothing is held, if the claim
   * is higher, or if it is held already. One row is the record now held; no row means that the claim
   * was refused: {@link load} says by what. The promise is as durable as the commit.
   *
   * @throws FenceValueError `epoch_out_of_range`, `id_invalid`.
   */
  raise(key: string, claim: FenceRecord): SqlFragment {
    return {
      text:
        `INSERT INTO ${this.#table} AS held (${this.#key}, ${this.#epoch}, ${this.#owner}) ` +
        `VALUES ($1::text, $2::text::${this.#sqlType()}, $3::text) ON CONFLICT (${this.#key}) DO UPDATE ` +
        `SET ${this.#epoch} = EXCLUDED.${this.#epoch}, ${this.#owner} = EXCLUDED.${this.#owner} ` +
        `WHERE held.${this.#epoch} < EXCLUDED.${this.#epoch} OR (held.${this.#epoch} = EXCLUDED.${this.#epoch} ` +
        `AND held.${this.#owner} COLLATE "C" = EXCLUDED.${this.#owner} COLLATE "C") RETURNING ${this.#columns("held.")}`,
      values: [key, ...this.#claim(claim)],
    };
  }

  /**
   * The condition that a claim is the one in force, for the WHERE of the very UPDATE or DELETE that it
   * guards, where the epoch and owner stand in the row that is written. A higher claim does not pass either:
   * it must be promised first.
   *
   * @param firstParameter number of the first of the two parameters, which `values` holds in order
   * @throws FenceValueError `epoch_out_of_range`, `id_invalid`, `identifier_invalid`.
   */
  holds(claim: FenceRecord, firstParameter: number): SqlFragment {
    const [epoch, owner] = parameters(firstParameter, 2);
    return {
      text: `(${this.#epoch} = ${epoch}::text::${this.#sqlType()} AND ${this.#owner} COLLATE "C" = ${owner}::text COLLATE "C")`,
      values: this.#claim(claim),
    };
  }

  /**
   * A common table expression body that finds and locks the fence row of a key, if the claim is in force:
   * `WITH fence AS (<this>) INSERT INTO ... SELECT ... FROM fence` writes to another table under the
   * fence. The lock lasts until the transaction ends, so no takeover can commit in between. Use it in READ
   * COMMITTED, where a statement that waited for the row sees its new version.
   *
   * @param firstParameter number of the first of the three parameters, which `values` holds in order
   * @throws FenceValueError as {@link holds}.
   */
  lockIfHeld(key: string, claim: FenceRecord, firstParameter: number): SqlFragment {
    const [first] = parameters(firstParameter, 3);
    const held = this.holds(claim, firstParameter + 1);
    return {
      text: `SELECT 1 FROM ${this.#table} WHERE ${this.#key} = ${first} AND ${held.text} FOR NO KEY UPDATE`,
      values: [key, ...held.values],
    };
  }

  /**
   * The record in a row of {@link load} or {@link raise}.
   *
   * @throws FenceStoreError `store_malformed` for anything else.
   */
  read(row: Readonly<Record<string, unknown>>): FenceRecord {
    const epoch = row["fence_epoch"];
    const owner = row["fence_owner"];
    try {
      if (typeof epoch === "string" && typeof owner === "string") {
        return fenceRecord(epochFromDecimal(epoch, this.#bits), owner, this.#bits);
      }
    } catch (error) {
      throw malformed(row, error);
    }
    throw malformed(row, undefined);
  }

  #claim(claim: FenceRecord): readonly [string, string] {
    const { epoch, owner } = fenceRecord(claim.epoch, claim.owner, this.#bits);
    if (this.#type === "bigint" && epoch > BIGINT_MAX) {
      throw new FenceValueError(
        "epoch_out_of_range",
        `a bigint column holds epochs up to 2^63-1, got ${epoch}; use numeric`,
      );
    }
    return [checkEpoch(epoch, this.#bits).toString(), owner];
  }

  #columns(prefix = ""): string {
    return `${prefix}${this.#epoch}::text AS fence_epoch, ${prefix}${this.#owner} AS fence_owner`;
  }

  #sqlType(): string {
    if (this.#type === "bigint") return "bigint";
    return this.#bits === 64 ? "numeric(20,0)" : "numeric(39,0)";
  }

  #max(): bigint {
    return this.#type === "bigint" ? BIGINT_MAX : 2n ** BigInt(this.#bits) - 1n;
  }
}

function malformed(row: unknown, cause: unknown): FenceStoreError {
  const keys = typeof row === "object" && row !== null ? Object.keys(row).join(", ") : String(row);
  return new FenceStoreError(
    "store_malformed",
    `expected a row with fence_epoch (decimal text) and fence_owner, got columns ${keys}`,
    { cause },
  );
}

function parameters(first: number, count: number): readonly string[] {
  if (!Number.isSafeInteger(first) || first < 1) {
    throw new FenceValueError("identifier_invalid", `expected the number of a parameter from 1 on, got ${first}`);
  }
  return Array.from({ length: count }, (_, index) => `$${first + index}`);
}

function quoted(name: string): string {
  if (typeof name === "string" && name !== "" && !name.includes("\0") && name.length <= 63) {
    return `"${name.replaceAll('"', '""')}"`;
  }
  throw new FenceValueError(
    "identifier_invalid",
    `expected the name of a table or column, 1 to 63 characters without U+0000, got ${JSON.stringify(name)}`,
  );
}
