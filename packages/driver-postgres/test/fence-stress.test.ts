// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { usePostgres } from "@tsoracle/test-services";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Statements, statementsFor } from "../src/statements.ts";
import { asRole } from "./node.ts";
import { prepareOracle, SCHEMA } from "./oracle.ts";

const postgres = usePostgres({ beforeAll, afterAll });

const PROCESSES = 4;
/** A thousand together. */
const ELECTIONS_EACH = 250;
/** Without the fence they go wrong much sooner. */
const ELECTIONS_WITHOUT = 50;
const WINDOW = 10;

/** What one reign was allowed to grant: from above `from` up to `to`. */
interface Range {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
}

interface Outcome {
  readonly ranges: readonly Range[];
  readonly epochs: readonly string[];
  readonly fenced: number;
}

/** Elects and persists as fast as it can, with neither lock nor tenure: only the fence is left. */
async function contend(oracle: string, statements: Statements, elections: number): Promise<Outcome> {
  const client = new pg.Client(asRole(postgres().url));
  await client.connect();
  const ranges: Range[] = [];
  const epochs: string[] = [];
  let fenced = 0;
  try {
    for (let election = 0; election < elections; election += 1) {
      const { rows } = await client.query(statements.bump, [oracle, randomUUID(), "node:1"]);
      const { epoch_hi: hi, epoch_lo: lo } = rows[0];
      epochs.push(`${hi}/${lo}`);
      let floor = Number((await client.query(statements.load, [oracle])).rows[0].high_water);
      for (let persist = 0; persist < 3; persist += 1) {
        const reply = await client.query(statements.persist, [oracle, hi, lo, String(floor + WINDOW)]);
        if (reply.rows.length === 0) {
          fenced += 1;
          break;
        }
        ranges.push({ epoch: `${hi}/${lo}`, from: floor, to: floor + WINDOW });
        floor += WINDOW;
      }
    }
  } finally {
    await client.end();
  }
  return { ranges, epochs, fenced };
}

async function stress(
  oracle: string,
  statements: Statements,
  elections: number,
): Promise<Outcome & { readonly overlaps: number }> {
  await prepareOracle(postgres().url, oracle);
  const outcomes = await Promise.all(Array.from({ length: PROCESSES }, () => contend(oracle, statements, elections)));
  const ranges = outcomes.flatMap((outcome) => outcome.ranges).sort((a, b) => a.from - b.from || a.to - b.to);
  const overlaps = ranges.filter((range, index) => range.from < (ranges[index - 1]?.to ?? 0)).length;
  return {
    ranges,
    epochs: outcomes.flatMap(({ epochs }) => epochs),
    fenced: outcomes.reduce((sum, { fenced }) => sum + fenced, 0),
    overlaps,
  };
}

describe("the fence alone", () => {
  it("keeps the ranges of all reigns apart, whoever elects and persists whenever", async () => {
    const { ranges, epochs, fenced, overlaps } = await stress("fence", statementsFor(SCHEMA), ELECTIONS_EACH);
    expect(new Set(epochs).size).toBe(PROCESSES * ELECTIONS_EACH);
    // Both happened: reigns that lost the race for the row, and reigns that won it.
    expect(fenced).toBeGreaterThan(0);
    expect(ranges.length).toBeGreaterThan(0);
    expect(overlaps).toBe(0);
  });

  it("is what keeps them apart: without the epoch in the write they overlap", async () => {
    const statements = statementsFor(SCHEMA);
    const persist = statements.persist.replace(
      "AND epoch_hi = $2 AND epoch_lo = $3",
      "AND $2::bigint + $3::bigint > 0",
    );
    expect(persist).not.toBe(statements.persist);
    const { fenced, overlaps } = await stress("no-fence", { ...statements, persist }, ELECTIONS_WITHOUT);
    expect(fenced).toBe(0);
    expect(overlaps).toBeGreaterThan(0);
  });
});
