// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { U64_MAX } from "@tsoracle/core";
import { type JournalClauses, journalClause } from "../journal-clause.ts";
import { begin, bytes, everyWrite, fence, plain, refuses, texts, unchanged } from "../journal-probes.ts";

/** Ids that a careless store would take for one another, or for something else than a name. */
const ALIKE = [
  "a",
  "A",
  "a ",
  " a",
  "a/b",
  "a%2Fb",
  "../a",
  "a:1",
  "a:1:2",
  "a|b",
  "*",
  "é",
  "e\u0301",
  "null",
  "__proto__",
];

export const creatingClauses: JournalClauses<
  "journal.create" | "journal.unknown" | "journal.load" | "journal.isolated" | "journal.arguments" | "journal.universes"
> = {
  "journal.universes": journalClause({
    sentence: "two universes of the kit share nothing",
    needs: [],
    body: async (trial) => {
      const here = await trial.open(0);
      await begin(here, "s", fence(7n, "a"), 1);
      const there = await (await trial.another()).open(0);
      assert.equal((await there.createIfAbsent("s", fence(3n, "b"))).created, true, "it sees another's journal");
      assert.deepEqual((await here.load("s")).fence, fence(7n, "a"));
    },
  }),
  "journal.create": journalClause({
    sentence: "an absent journal is made with this fence and this snapshot; one that is there is told and not changed",
    needs: [],
    body: async (trial) => {
      const journals = await trial.openAll();
      const [journal] = journals;
      assert.ok(journal !== undefined);
      const owner = fence(5n, "a");
      const creation = await journal.createIfAbsent("s", owner, { snapshot: bytes("first") });
      assert.deepEqual({ ...creation }, { created: true, fence: owner, nextSeq: 1, snapshotSeq: 0 });
      const state = await journal.load("s");
      assert.deepEqual(state.snapshot, { seq: 0, ...owner, bytes: bytes("first") });
      assert.deepEqual([state.fence, state.nextSeq, state.firstSeq, state.entries], [owner, 1, 1, []]);
      await journal.append("s", owner, 1, bytes("1"), 1n);
      for (const other of [fence(9n, "b"), fence(5n, "b"), fence(1n, "a")]) {
        await unchanged(journal, "s", async () => {
          const { created, ...head } = await journal.createIfAbsent("s", other, { snapshot: bytes("second") });
          assert.equal(created, false, "a journal that was there was created");
          assert.deepEqual({ ...head }, { fence: owner, nextSeq: 2, snapshotSeq: 0 });
        });
      }
      assert.equal((await journal.createIfAbsent("t", owner)).snapshotSeq, undefined);
      assert.equal((await journal.load("t")).snapshot, undefined);
      const racers = Array.from({ length: 6 }, (_, index) => {
        const by = journals[index % journals.length] ?? journal;
        return by.createIfAbsent("race", fence(10n + BigInt(index), `n${index}`));
      });
      const creations = await Promise.all(racers);
      assert.equal(creations.filter(({ created }) => created).length, 1, "several calls created one journal");
      assert.equal(new Set(creations.map((one) => one.fence.owner)).size, 1, "the calls saw different owners");
    },
  }),
  "journal.unknown": journalClause({
    sentence: "where there is no journal, every call but createIfAbsent rejects as unknown_session and creates none",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "another", fence(1n, "a"), 1);
      await refuses(journal.load("s"), "unknown_session");
      await refuses(journal.takeover("s", fence(2n, "a")), "unknown_session");
      for (const { call } of everyWrite(journal, "s")) await refuses(call(fence(1n, "a")), "unknown_session");
      assert.equal((await journal.createIfAbsent("s", fence(1n, "a"))).created, true, "a refused call created it");
    },
  }),
  "journal.load": journalClause({
    sentence: "a load sees every write that resolved before the call, from any node, each entry exactly and in order",
    needs: [],
    body: async (trial) => {
      const journals = await trial.openAll();
      const writer = journals[0];
      const reader = journals.at(-1);
      assert.ok(writer !== undefined && reader !== undefined);
      const [a, b] = [fence(3n, "a"), fence(2n ** 60n + 1n, "b")];
      const seen = async (): Promise<unknown> => plain(await reader.load("s"));
      const head = { firstSeq: 1, snapshotSeq: undefined, snapshot: undefined };
      await writer.createIfAbsent("s", a);
      assert.deepEqual(await seen(), { ...head, fence: "a@3", nextSeq: 1, entries: [] });
      await writer.append("s", a, 1, bytes("one"), U64_MAX);
      await writer.append("s", a, 2, bytes("two"), 2n ** 53n + 1n);
      const entries = [`1 by a@3 at ${U64_MAX}: 6f6e65`, "2 by a@3 at 9007199254740993: 74776f"];
      assert.deepEqual(await seen(), { ...head, fence: "a@3", nextSeq: 3, entries });
      await writer.takeover("s", b);
      await writer.append("s", b, 3, bytes("three"), 0n);
      entries.push("3 by b@1152921504606846977 at 0: 7468726565");
      assert.deepEqual(await seen(), { ...head, fence: "b@1152921504606846977", nextSeq: 4, entries });
      await writer.putSnapshot("s", b, 1, bytes("state"));
      const snapshot = "1 by b@1152921504606846977: 7374617465";
      const after = { fence: "b@1152921504606846977", nextSeq: 4, firstSeq: 1, snapshotSeq: 1, snapshot };
      assert.deepEqual(await seen(), { ...after, entries: entries.slice(1) });
      for (let seq = 4; seq <= 12; seq += 1) await writer.append("s", b, seq, bytes(`${seq}`), 0n);
      const numbers = (await reader.load("s")).entries.map(({ seq }) => seq);
      assert.deepEqual(numbers, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "entries are missing or out of order");
    },
  }),
  "journal.isolated": journalClause({
    sentence: "journals of different ids share nothing, however alike the ids are",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      const ids = [...ALIKE, "x".repeat(512), `${"x".repeat(511)}y`];
      for (const [index, id] of ids.entries()) {
        const owner = fence(BigInt(index + 1), `owner of ${index}`);
        assert.equal((await journal.createIfAbsent(id, owner)).created, true, `${id} is another id`);
        await journal.append(id, owner, 1, bytes(`entry of ${index}`), 1n);
      }
      for (const [index, id] of ids.entries()) {
        assert.deepEqual(await texts(journal, id), [`entry of ${index}`], id);
        assert.equal((await journal.load(id)).fence.owner, `owner of ${index}`);
      }
    },
  }),
  "journal.arguments": journalClause({
    sentence: "an argument that is out of its bounds rejects as invalid, and nothing is written",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      const owner = fence(4n, "a");
      await begin(journal, "s", owner, 1);
      const wrong = <T>(value: unknown): T => value as T;
      const names = ["", "x".repeat(513), "é".repeat(257), "a\0b", "\ud800", wrong<string>(7)];
      const epochs = [-1n, U64_MAX + 1n, wrong<bigint>(5)];
      const fences = [...names.map((name) => fence(4n, name)), ...epochs.map((epoch) => fence(epoch, "a"))];
      await unchanged(journal, "s", async () => {
        for (const id of names) {
          await refuses(journal.load(id), "invalid");
          await refuses(journal.createIfAbsent(id, owner), "invalid");
          await refuses(journal.append(id, owner, 2, bytes("2"), 2n), "invalid");
        }
        for (const by of fences) {
          await refuses(journal.takeover("s", by), "invalid");
          for (const { call } of everyWrite(journal, "s")) await refuses(call(by), "invalid");
        }
        for (const seq of [-1, 0.5, 2 ** 53, Number.NaN, wrong<number>(2n)]) {
          await refuses(journal.append("s", owner, seq, bytes("2"), 2n), "invalid");
          await refuses(journal.putSnapshot("s", owner, seq, bytes("2")), "invalid");
          await refuses(journal.truncateThrough("s", owner, seq), "invalid");
        }
        await refuses(journal.append("s", owner, 0, bytes("2"), 2n), "invalid");
        for (const ts of [-1n, U64_MAX + 1n, wrong<bigint>(2)]) {
          await refuses(journal.append("s", owner, 2, bytes("2"), ts), "invalid");
        }
        await refuses(journal.append("s", owner, 2, wrong("2"), 2n), "invalid");
        await refuses(journal.putSnapshot("s", owner, 1, wrong("2")), "invalid");
      });
      const first = fence(4n, "x".repeat(512));
      assert.deepEqual((await journal.createIfAbsent("largest", first)).fence, first, "what is in bounds is taken");
    },
  }),
};
