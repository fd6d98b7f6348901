// SPDX-License-Identifier: Apache-2.0
import { type FenceRecord, SqlFence } from "@tsoracle/fencing";
import type { ClientBase } from "pg";

/** What is guarded. One table of fences serves any number of things; each has a key. */
const KEY = "ledger";

const fence = new SqlFence({ table: "fence" });

/** One line of the ledger, and the claim under which it was written. */
export interface Line extends FenceRecord {
  readonly number: number;
  readonly text: string;
}

/** A ledger in Postgres that one writer at a time may write to: the one with the greatest epoch so far. */
export class Ledger {
  readonly #database: ClientBase;

  constructor(database: ClientBase) {
    this.#database = database;
  }

  async create(): Promise<void> {
    await this.#database.query(fence.createTable());
    await this.#database.query(
      "CREATE TABLE ledger (number int PRIMARY KEY, text text NOT NULL, epoch numeric(20,0) NOT NULL, owner text NOT NULL)",
    );
  }

  /** Claims the ledger. From here on no claim with a smaller epoch writes. Undefined if there was a greater one. */
  async claim(claim: FenceRecord): Promise<FenceRecord | undefined> {
    const { text, values } = fence.raise(KEY, claim);
    const { rows } = await this.#database.query(text, [...values]);
    return rows[0] === undefined ? undefined : fence.read(rows[0]);
  }

  /** Who may write. */
  async holder(): Promise<FenceRecord> {
    const { text, values } = fence.load(KEY);
    const { rows } = await this.#database.query(text, [...values]);
    return fence.read(rows[0] ?? {});
  }

  /**
   * Adds a line in one statement: it finds and locks the fence, and writes only if the claim is still the one in force.
   * No look beforehand, no lock that a paused process could believe to hold. Undefined if the claim was superseded.
   */
  async write(claim: FenceRecord, text: string): Promise<number | undefined> {
    const held = fence.lockIfHeld(KEY, claim, 1);
    const { rows } = await this.#database.query(
      `WITH held AS (${held.text})
       INSERT INTO ledger (number, text, epoch, owner)
       SELECT (SELECT count(*) + 1 FROM ledger), $4, $5::text::numeric, $6 FROM held RETURNING number`,
      [...held.values, text, claim.epoch.toString(), claim.owner],
    );
    return rows[0]?.number;
  }

  async lines(): Promise<readonly Line[]> {
    const { rows } = await this.#database.query("SELECT number, text, epoch::text, owner FROM ledger ORDER BY number");
    return rows.map(({ number, text, epoch, owner }) => ({ number, text, epoch: BigInt(epoch), owner }));
  }
}
