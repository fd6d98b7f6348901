// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { U64_MAX } from "@tsoracle/core";
import { settle, turns } from "../../probes.ts";
import { type JournalClauses, journalClause } from "../journal-clause.ts";
import {
  begin,
  beginForEveryWrite,
  bytes,
  everyWrite,
  fence,
  journalCodeOf,
  refusedAs,
  refuses,
  texts,
  unchanged,
} from "../journal-probes.ts";

const [a1, b2, a9] = [fence(1n, "a"), fence(2n, "b"), fence(9n, "a")];

export const owningClauses: JournalClauses<
  | "journal.takeover"
  | "journal.takeover-from"
  | "journal.race"
  | "journal.epoch-exact"
  | "journal.split-brain"
  | "journal.fenced"
  | "journal.ungranted"
  | "journal.fence-first"
  | "journal.late"
> = {
  "journal.takeover": journalClause({
    sentence:
      "a greater epoch wins, also of the same owner; a smaller one is fenced; the owner's own is a repetition; the entries stay",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", fence(5n, "a"), 2);
      for (const by of [fence(7n, "a"), fence(40n, "b"), fence(41n, "c")]) {
        assert.deepEqual((await journal.takeover("s", by)).fence, by);
        assert.deepEqual((await journal.load("s")).fence, by);
      }
      const owner = fence(41n, "c");
      await unchanged(journal, "s", async () => {
        for (const by of [fence(40n, "b"), fence(40n, "c"), fence(0n, "d")]) {
          const { current } = await refuses(journal.takeover("s", by), "fenced");
          if (current !== undefined) assert.deepEqual(current, owner);
        }
        const again = await settle(journal.takeover("s", owner));
        assert.ok(again.ok, "the owner's own takeover was refused");
        assert.deepEqual([again.value.fence, again.value.nextSeq], [owner, 3]);
      });
      assert.deepEqual(await texts(journal, "s"), ["1", "2"]);
      await journal.append("s", owner, 3, bytes("3"), 3n);
    },
  }),
  "journal.takeover-from": journalClause({
    sentence:
      "with from it is fenced unless that epoch owns the journal in the step that writes; of several that take over from one epoch exactly one wins; the owner's own is a repetition",
    needs: [],
    runs: 3,
    body: async (trial) => {
      const journals = await trial.openAll();
      const journal = journals[0];
      assert.ok(journal !== undefined);
      await begin(journal, "s", fence(5n, "a"), 1);
      await unchanged(journal, "s", async () => {
        for (const from of [0n, 4n, 6n, 7n, U64_MAX]) {
          const { current } = await refuses(journal.takeover("s", fence(7n, "b"), { from }), "fenced");
          if (current !== undefined) assert.deepEqual(current, fence(5n, "a"));
        }
        // What is wrong without it is not right with it.
        await refuses(journal.takeover("s", fence(4n, "b"), { from: 5n }), "fenced");
        await refuses(journal.takeover("s", fence(7n, "b"), { from: -1n }), "invalid");
      });
      // Smaller epochs first: each of them could win over the one before.
      const racers = Array.from({ length: 6 }, (_, index) => fence(BigInt(10 + index), `n${index}`));
      const settled = await Promise.all(
        racers.map((by, index) =>
          settle((journals[index % journals.length] ?? journal).takeover("s", by, { from: 5n })),
        ),
      );
      const winners = racers.filter((_, index) => settled[index]?.ok === true);
      for (const each of settled) if (!each.ok) refusedAs(each, ["fenced"]);
      const owner = (await journal.load("s")).fence;
      assert.deepEqual(winners, [owner], "of those that took over from one epoch exactly one has to win");
      const again = await settle(journal.takeover("s", owner, { from: 5n }));
      assert.ok(again.ok, "the owner's own takeover was refused");
      await journal.takeover("s", fence(30n, "z"), { from: owner.epoch });
      await refuses(journal.append("s", owner, 2, bytes("2"), 2n), "fenced");
    },
  }),
  "journal.race": journalClause({
    sentence: "when takeovers race, the greatest epoch ends as owner, and from then on the losers write nothing",
    needs: [],
    runs: 3,
    body: async (trial) => {
      const journals = await trial.openAll();
      const journal = journals[0];
      assert.ok(journal !== undefined);
      await begin(journal, "s", a1, 1);
      const racers = Array.from({ length: 8 }, (_, index) => ({
        by: fence(BigInt(10 + index), `n${index}`),
        journal: journals[index % journals.length] ?? journal,
        order: trial.random.below(1_000),
      }));
      racers.sort((left, right) => left.order - right.order);
      await Promise.all(
        racers.map(async (racer) => {
          const settled = await settle(racer.journal.takeover("s", racer.by));
          if (racer.by.epoch === 17n) assert.ok(settled.ok, "the greatest epoch was refused");
          if (!settled.ok) refusedAs(settled, ["fenced"]);
          else await settle(racer.journal.append("s", racer.by, 2, bytes(racer.by.owner), 2n));
        }),
      );
      const won = fence(17n, "n7");
      assert.deepEqual((await journal.load("s")).fence, won);
      await unchanged(journal, "s", async () => {
        for (const { journal: of, by } of racers) {
          if (by.epoch !== won.epoch) await refuses(of.append("s", by, 3, bytes("loser"), 3n), "fenced");
        }
      });
      const { entries, nextSeq } = await journal.load("s");
      for (const [index, { epoch }] of entries.entries()) {
        assert.ok(epoch >= (entries[index - 1]?.epoch ?? 0n), "an entry of a loser follows one of its successor");
      }
      await journal.append("s", won, nextSeq, bytes("won"), 3n);
    },
  }),
  "journal.epoch-exact": journalClause({
    sentence: "epochs that differ by one are different over the whole range of 64 bits",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      for (const lower of [0n, 9n, 2n ** 53n, 2n ** 60n, 2n ** 63n - 1n, 2n ** 63n, U64_MAX - 1n]) {
        const id = `s${lower}`;
        const [old, now] = [fence(lower, "a"), fence(lower + 1n, "a")];
        await journal.createIfAbsent(id, old);
        await journal.append(id, old, 1, bytes("1"), 1n);
        const { current } = await refuses(journal.append(id, now, 2, bytes("2"), 2n), "fenced");
        if (current !== undefined) assert.equal(current.epoch, lower);
        assert.deepEqual((await journal.takeover(id, now)).fence, now);
        await refuses(journal.append(id, old, 2, bytes("2"), 2n), "fenced");
        await refuses(journal.takeover(id, old), "fenced");
        await refuses(journal.takeover(id, fence(lower + 1n, "b")), "split_brain");
        await journal.append(id, now, 2, bytes("2"), 2n);
        const { entries, fence: owner } = await journal.load(id);
        assert.deepEqual([owner.epoch, ...entries.map(({ epoch }) => epoch)], [lower + 1n, lower, lower + 1n]);
      }
    },
  }),
  "journal.split-brain": journalClause({
    sentence: "the present epoch with another owner is refused as split_brain by every write, and nothing is written",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await beginForEveryWrite(journal, "s", a9);
      const forged = fence(9n, "b");
      await unchanged(journal, "s", async () => {
        const takeover = { kind: "takeover", call: () => journal.takeover("s", forged) };
        for (const { call } of [takeover, ...everyWrite(journal, "s")]) {
          const { current } = await refuses(call(forged), "split_brain");
          if (current !== undefined) assert.deepEqual(current, a9);
        }
      });
      await journal.append("s", a9, 3, bytes("3"), 3n);
    },
  }),
  "journal.fenced": journalClause({
    sentence: "a superseded owner's write is refused as fenced, and nothing is written",
    needs: [],
    body: async (trial) => {
      const journals = await trial.openAll();
      const [old] = journals;
      const successor = journals.at(-1);
      assert.ok(old !== undefined && successor !== undefined);
      for (const next of [b2, fence(2n, "a")]) {
        const id = `s-${next.owner}`;
        await beginForEveryWrite(old, id, a1);
        await successor.takeover(id, next);
        for (const { kind, call } of everyWrite(old, id)) {
          await unchanged(successor, id, async () => {
            const { current } = await refuses(call(a1), "fenced");
            if (current !== undefined) assert.deepEqual(current, next, kind);
          });
        }
        await successor.append(id, next, 3, bytes("3"), 3n);
      }
    },
  }),
  "journal.ungranted": journalClause({
    sentence: "a greater epoch that never took over is refused as fenced, and nothing is written",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await beginForEveryWrite(journal, "s", a1);
      for (const by of [a9, fence(9n, "b")]) {
        for (const { call } of everyWrite(journal, "s")) {
          await unchanged(journal, "s", () => refuses(call(by), "fenced"));
        }
      }
      await journal.append("s", a1, 3, bytes("3"), 3n);
    },
  }),
  "journal.fence-first": journalClause({
    sentence: "a write with a wrong fence and a wrong number is refused for its fence",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", a1, 3);
      await journal.takeover("s", b2);
      for (const [by, code] of [
        [a1, "fenced"],
        [a9, "fenced"],
        [fence(2n, "a"), "split_brain"],
      ] as const) {
        for (const seq of [2, 3, 5]) await refuses(journal.append("s", by, seq, bytes("x"), 1n), code);
        await refuses(journal.putSnapshot("s", by, 7, bytes("x")), code);
        await refuses(journal.truncateThrough("s", by, 2), code);
      }
      await refuses(journal.append("s", b2, 3, bytes("x"), 1n), "conflict");
    },
  }),
  "journal.late": journalClause({
    sentence: "a write that was held back across a takeover is never acknowledged and never written",
    needs: ["stall"],
    nodes: 2,
    body: async (trial) => {
      const old = await trial.open(0);
      const successor = await trial.open(1);
      for (const { kind } of everyWrite(old, "")) {
        const id = `s-${kind}`;
        await beginForEveryWrite(old, id, a1);
        const release = await trial.faults.stall(0);
        const call = everyWrite(old, id).find((write) => write.kind === kind)?.call;
        assert.ok(call !== undefined);
        const held = settle(call(a1));
        await turns();
        await successor.takeover(id, b2);
        await unchanged(successor, id, async () => {
          await release();
          const settled = await held;
          assert.ok(!settled.ok, `a ${kind} that a takeover overtook was acknowledged`);
          const code = journalCodeOf(settled.error);
          assert.ok(code === "fenced" || code === "uncertain" || code === "transient", `it rejected as ${code}`);
          // What comes after it on the same way shows that it has arrived.
          await refuses(old.append(id, a1, 3, bytes("later"), 3n), "fenced");
          await turns();
        });
        await successor.append(id, b2, 3, bytes("3"), 3n);
      }
    },
  }),
};
