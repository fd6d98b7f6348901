// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { FencedJournal } from "@tsoracle/consensus";
import { settle } from "../../probes.ts";
import { type JournalClauses, journalClause } from "../journal-clause.ts";
import { begin, bytes, fence, hex, plain, refusedAs, refuses, texts, unchanged } from "../journal-probes.ts";

const owner = fence(6n, "a");

export const writingClauses: JournalClauses<
  | "journal.next"
  | "journal.concurrent"
  | "journal.bytes"
  | "journal.bounds"
  | "journal.snapshot"
  | "journal.snapshot-ahead"
  | "journal.truncate"
  | "journal.truncate-covered"
> = {
  "journal.next": journalClause({
    sentence: "only the next number is appended; a repeated or a skipped one is conflict, and nothing is written",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 0);
      for (let next = 1; next <= 3; next += 1) {
        await unchanged(journal, "s", async () => {
          for (const seq of [next - 1, next + 1, next + 7]) {
            if (seq < 1) continue;
            const { nextSeq } = await refuses(journal.append("s", owner, seq, bytes(`wrong ${seq}`), 1n), "conflict");
            if (nextSeq !== undefined) assert.equal(nextSeq, next);
          }
        });
        await journal.append("s", owner, next, bytes(`${next}`), 1n);
      }
      assert.deepEqual(await texts(journal, "s"), ["1", "2", "3"]);
    },
  }),
  "journal.concurrent": journalClause({
    sentence: "of concurrent appends of one number exactly one is accepted",
    needs: [],
    body: async (trial) => {
      const journals = await trial.openAll();
      const [journal] = journals;
      assert.ok(journal !== undefined);
      await begin(journal, "s", owner, 0);
      for (const seq of [1, 2, 3]) {
        const racers = Array.from({ length: 8 }, (_, index) => {
          const at: FencedJournal = journals[index % journals.length] ?? journal;
          return settle<void>(at.append("s", owner, seq, bytes(`${seq} of ${index}`), 1n));
        });
        const ended = await Promise.all(racers);
        const accepted = ended.flatMap((settled, index) => (settled.ok ? [index] : []));
        assert.equal(accepted.length, 1, `${accepted.length} appends of number ${seq} were accepted`);
        for (const settled of ended) if (!settled.ok) refusedAs(settled, ["conflict"]);
        assert.equal((await texts(journal, "s")).at(-1), `${seq} of ${accepted[0]}`);
      }
      assert.equal((await journal.load("s")).nextSeq, 4);
    },
  }),
  "journal.bytes": journalClause({
    sentence: "an entry is kept byte for byte, whatever the caller does with its array afterwards",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 0);
      const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const random = Uint8Array.from({ length: 1_000 }, () => trial.random.below(256));
      const samples = [new Uint8Array(0), every, random, new Uint8Array(600), bytes("\r\n{}\"\\'")];
      for (const [index, sample] of samples.entries()) {
        const given = Uint8Array.from(sample);
        const call = journal.append("s", owner, index + 1, given, 1n);
        given.fill(0xee);
        await call;
      }
      const expected = samples.map(hex);
      const first = await journal.load("s");
      assert.deepEqual(
        first.entries.map(({ entry }) => hex(entry)),
        expected,
      );
      for (const { entry } of first.entries) entry.fill(0xdd);
      const again = await journal.load("s");
      assert.deepEqual(
        again.entries.map(({ entry }) => hex(entry)),
        expected,
        "a load gives away the store's own",
      );
      const given = Uint8Array.from(every);
      const call = journal.putSnapshot("s", owner, 2, given);
      given.fill(0xee);
      await call;
      (await journal.load("s")).snapshot?.bytes.fill(0xdd);
      assert.equal(hex((await journal.load("s")).snapshot?.bytes ?? new Uint8Array(0)), hex(every));
    },
  }),
  "journal.bounds": journalClause({
    sentence: "what is as large as the limit is accepted; a byte more is oversize, and nothing is written",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      const { maxEntryBytes, maxSnapshotBytes } = journal.limits;
      await begin(journal, "s", owner, 1);
      await unchanged(journal, "s", async () => {
        await refuses(journal.append("s", owner, 2, new Uint8Array(maxEntryBytes + 1), 1n), "oversize");
        await refuses(journal.putSnapshot("s", owner, 1, new Uint8Array(maxSnapshotBytes + 1)), "oversize");
        const snapshot = new Uint8Array(maxSnapshotBytes + 1);
        await refuses(journal.createIfAbsent("t", owner, { snapshot }), "oversize");
        await refuses(journal.load("t"), "unknown_session");
      });
      await journal.append("s", owner, 2, new Uint8Array(maxEntryBytes).fill(7), 1n);
      await journal.putSnapshot("s", owner, 1, new Uint8Array(maxSnapshotBytes).fill(7));
      const { entries, snapshot } = await journal.load("s");
      assert.deepEqual([entries[0]?.entry.length, snapshot?.bytes.length], [maxEntryBytes, maxSnapshotBytes]);
    },
  }),
  "journal.snapshot": journalClause({
    sentence:
      "a snapshot may not be older than the present one nor newer than the last entry, else conflict; with the same number it replaces it",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 4);
      await journal.putSnapshot("s", owner, 0, bytes("state 0"));
      await journal.putSnapshot("s", owner, 2, bytes("state 2"));
      assert.deepEqual(await texts(journal, "s"), ["3", "4"]);
      await unchanged(journal, "s", async () => {
        for (const seq of [0, 1, 5, 6]) {
          const { nextSeq } = await refuses(journal.putSnapshot("s", owner, seq, bytes("x")), "conflict");
          if (nextSeq !== undefined) assert.equal(nextSeq, 5);
        }
      });
      await journal.putSnapshot("s", owner, 2, bytes("again"));
      const { snapshot, nextSeq, firstSeq } = await journal.load("s");
      assert.deepEqual({ ...snapshot }, { seq: 2, ...owner, bytes: bytes("again") });
      assert.deepEqual([nextSeq, firstSeq], [5, 1]);
      await journal.putSnapshot("s", owner, 4, bytes("state 4"));
      assert.deepEqual(await texts(journal, "s"), []);
      await journal.append("s", owner, 5, bytes("5"), 1n);
    },
  }),
  "journal.snapshot-ahead": journalClause({
    sentence: "with `ahead` a snapshot may be newer than the last entry, and the next number follows it",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 2);
      await journal.putSnapshot("s", owner, 7, bytes("state 7"), { ahead: true });
      const { nextSeq, snapshotSeq, entries } = await journal.load("s");
      assert.deepEqual([nextSeq, snapshotSeq, entries], [8, 7, []]);
      await unchanged(journal, "s", async () => {
        for (const seq of [3, 7, 9]) await refuses(journal.append("s", owner, seq, bytes("x"), 1n), "conflict");
        await refuses(journal.putSnapshot("s", owner, 6, bytes("x"), { ahead: true }), "conflict");
      });
      await journal.append("s", owner, 8, bytes("8"), 1n);
      assert.deepEqual(await texts(journal, "s"), ["8"]);
      await journal.putSnapshot("s", owner, 7, bytes("state 7, again"), { ahead: true });
      await journal.truncateThrough("s", owner, 7);
      const after = await journal.load("s");
      assert.deepEqual([after.firstSeq, after.nextSeq, after.entries.length], [8, 9, 1]);
    },
  }),
  "journal.truncate": journalClause({
    sentence: "truncated entries are gone, a load gives what it gave before, and the next number is the same",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 6);
      await journal.putSnapshot("s", owner, 4, bytes("state 4"));
      const before = plain(await journal.load("s"));
      for (const [through, firstSeq] of [
        [0, 1],
        [3, 4],
        [2, 4],
        [4, 5],
        [4, 5],
      ] as const) {
        await journal.truncateThrough("s", owner, through);
        assert.deepEqual(plain(await journal.load("s")), { ...before, firstSeq }, `through ${through}`);
      }
      await journal.append("s", owner, 7, bytes("7"), 1n);
      await journal.putSnapshot("s", owner, 7, bytes("state 7"));
      await journal.truncateThrough("s", owner, 7);
      const { firstSeq, nextSeq, entries } = await journal.load("s");
      assert.deepEqual([firstSeq, nextSeq, entries], [8, 8, []]);
      await journal.append("s", owner, 8, bytes("8"), 1n);
      assert.deepEqual(await texts(journal, "s"), ["8"]);
    },
  }),
  "journal.truncate-covered": journalClause({
    sentence: "a truncation without a snapshot, or beyond it, is conflict, and nothing is removed",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 5);
      await unchanged(journal, "s", async () => {
        for (const seq of [1, 5]) await refuses(journal.truncateThrough("s", owner, seq), "conflict");
      });
      await journal.putSnapshot("s", owner, 2, bytes("state 2"));
      await unchanged(journal, "s", async () => {
        for (const seq of [3, 5, 6]) await refuses(journal.truncateThrough("s", owner, seq), "conflict");
      });
      assert.deepEqual(await texts(journal, "s"), ["3", "4", "5"]);
    },
  }),
};
