// SPDX-License-Identifier: Apache-2.0
import { checkJournal, type JournalClauseId } from "@tsoracle/conformance";
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type JournalStatements, statementsFor } from "../../../src/stores/postgres/statements.ts";
import { postgresJournalSubject } from "./postgres-subject.ts";

const server = usePostgres({ beforeAll, afterAll });

interface Mutant {
  readonly name: string;
  /** What the statements get wrong. */
  readonly change: (right: JournalStatements) => Partial<JournalStatements>;
  /** Clauses that must notice it; others may. */
  readonly breaks: readonly JournalClauseId[];
}

/** Takes a part of a statement away or replaces it; a mutant whose target is gone would be the right store. */
function without(statement: string, part: string, by = "TRUE"): string {
  if (!statement.includes(part)) throw new Error(`the statement does not contain ${part}`);
  return statement.replace(part, by);
}

const FENCE = "epoch = $2::text::numeric AND owner = $3::text";
const UNUSED_FENCE = "$2::text IS NOT NULL AND $3::text IS NOT NULL";

const mutants: readonly Mutant[] = [
  {
    name: "an append whose fence is looked at in another statement, which it does not wait for",
    change: ({ append }) => ({ append: without(append, FENCE, UNUSED_FENCE) }),
    breaks: ["journal.fenced", "journal.late"],
  },
  {
    name: "a fence of the epoch alone",
    change: ({ append }) => ({ append: without(append, "owner = $3::text", "$3::text IS NOT NULL") }),
    breaks: ["journal.split-brain"],
  },
  {
    name: "epochs compared as doubles",
    change: ({ append }) => ({
      append: without(append, "epoch = $2::text::numeric", "epoch::float8 = $2::text::float8"),
    }),
    breaks: ["journal.epoch-exact"],
  },
  {
    name: "a takeover that does not look at the epoch",
    change: ({ takeover }) => ({ takeover: without(takeover, "epoch < $2::text::numeric") }),
    breaks: ["journal.takeover"],
  },
  {
    name: "a takeover from whoever has the session",
    change: ({ takeover }) => ({
      takeover: without(takeover, "epoch = coalesce($4::text::numeric, epoch)", "$4::text IS DISTINCT FROM ''"),
    }),
    breaks: ["journal.takeover-from"],
  },
  {
    name: "a snapshot that is put without the fence",
    change: ({ snapshot }) => ({ snapshot: without(snapshot, FENCE, UNUSED_FENCE) }),
    breaks: ["journal.fenced", "journal.late"],
  },
  {
    name: "a truncation that no snapshot has to cover",
    change: ({ truncate }) => ({ truncate: without(truncate, "snapshot_seq >= $4::bigint") }),
    breaks: ["journal.truncate-covered"],
  },
  {
    name: "a truncation without the fence",
    change: ({ truncate }) => ({ truncate: without(truncate, FENCE, UNUSED_FENCE) }),
    breaks: ["journal.fenced", "journal.late"],
  },
  {
    name: "an append that may skip numbers",
    change: ({ append }) => ({ append: without(append, "next_seq = $4::bigint", "next_seq <= $4::bigint") }),
    breaks: ["journal.next"],
  },
];

describe("Postgres journals that are wrong", () => {
  for (const { name, change, breaks } of mutants) {
    it(`${name}: ${breaks.join(", ")}`, async () => {
      const statements = (schema: string): JournalStatements => {
        const right = statementsFor(schema);
        return { ...right, ...change(right) };
      };
      const { results } = await checkJournal(postgresJournalSubject({ server, statements }), {
        only: breaks,
        timeoutMs: 90_000,
      });
      const said = results.map(({ id, outcome, detail }) => `${id} ${outcome}: ${detail}`).join("\n");
      expect(
        results.map(({ outcome }) => outcome),
        said,
      ).toEqual(breaks.map(() => "fail"));
      expect(said).not.toContain("could not be judged");
    }, 200_000);
  }
});
