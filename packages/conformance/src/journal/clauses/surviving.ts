// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { FencedJournal } from "@tsoracle/consensus";
import { settle } from "../../probes.ts";
import { type JournalClauses, type JournalTrial, journalClause } from "../journal-clause.ts";
import {
  begin,
  beginForEveryWrite,
  bytes,
  eventuallySettles,
  everyWrite,
  fence,
  journalCodeOf,
  plain,
  refuses,
  texts,
} from "../journal-probes.ts";

const [a1, b2] = [fence(1n, "a"), fence(2n ** 61n + 1n, "b")];

export const survivingClauses: JournalClauses<
  "journal.durable" | "journal.reopen" | "journal.torn" | "journal.rot" | "journal.lost-reply"
> = {
  "journal.durable": journalClause({
    sentence: "what resolved survives a crash, and the epoch never goes back",
    needs: ["crash"],
    body: async (trial) => {
      await afterEveryStep(trial, async () => {
        await trial.faults.crash(0);
      });
    },
  }),
  "journal.reopen": journalClause({
    sentence: "what resolved is there when the store is opened again",
    needs: [],
    body: async (trial) => {
      await afterEveryStep(trial, (journal) => trial.close(journal));
    },
  }),
  "journal.torn": journalClause({
    sentence: "what a crash left of an append that was not acknowledged is removed at open, and nothing else",
    needs: ["tornTail"],
    runs: 6,
    body: async (trial) => {
      let journal = await trial.open(0);
      const entries = trial.random.below(4);
      await begin(journal, "s", a1, entries);
      if (trial.random.oneIn(2)) await journal.takeover("s", b2);
      const before = await journal.load("s");
      await trial.close(journal);
      await trial.faults.tornTail("s");
      journal = await trial.open(0);
      assert.deepEqual(plain(await journal.load("s")), plain(before), "a torn tail took more than itself");
      await journal.append("s", before.fence, before.nextSeq, bytes("after"), 1n);
      const after = plain(await journal.load("s"));
      await trial.close(journal);
      journal = await trial.open(0);
      assert.deepEqual(plain(await journal.load("s")), after, "an append after the repair was lost");
      assert.equal((await texts(journal, "s")).length, entries + 1);
    },
  }),
  "journal.rot": journalClause({
    sentence:
      "damage to what was acknowledged is permanent; nothing is served in its place and nothing written over it",
    needs: ["corrupt"],
    runs: 6,
    body: async (trial) => {
      let journal = await trial.open(0);
      await begin(journal, "s", a1, 3);
      await begin(journal, "other", a1, 2);
      await trial.close(journal);
      await trial.faults.corrupt("s");
      for (let opened = 0; opened < 2; opened += 1) {
        const again = await settle(trial.open(0));
        if (!again.ok) {
          assert.equal(journalCodeOf(again.error), "permanent", "the store refused to open for another reason");
          return;
        }
        journal = again.value;
        await refuses(journal.load("s"), "permanent");
        await refuses(journal.append("s", a1, 4, bytes("4"), 1n), "permanent");
        await refuses(journal.takeover("s", b2), "permanent");
        await refuses(journal.createIfAbsent("s", b2), "permanent");
        await refuses(journal.load("s"), "permanent");
        assert.deepEqual(await texts(journal, "other"), ["1", "2"], "another session is damaged as well");
        await trial.close(journal);
      }
    },
  }),
  "journal.lost-reply": journalClause({
    sentence: "a write whose reply was lost is uncertain, is carried out at most once, and may be repeated",
    needs: ["loseReply"],
    body: async (trial) => {
      let journal = await trial.open(0);
      const kinds = ["createIfAbsent", "takeover", ...everyWrite(journal, "").map(({ kind }) => kind)];
      for (const kind of kinds) {
        const id = `s-${kind}`;
        if (kind !== "createIfAbsent") await beginForEveryWrite(journal, id, a1);
        const once = (): Promise<unknown> => callOf(kind, journal, id);
        await trial.faults.loseReply(0);
        await refuses(once(), "uncertain");
        // A store that no longer trusts its medium says so until it is opened again.
        let again = await eventuallySettles(trial.signal, once);
        if (!again.ok && journalCodeOf(again.error) === "permanent") {
          await trial.close(journal);
          journal = await trial.open(0);
          again = await eventuallySettles(trial.signal, once);
        }
        if (!again.ok) assert.equal(journalCodeOf(again.error), "conflict", `a repeated ${kind} ended in another way`);
        const { fence: owner, nextSeq, entries, snapshotSeq } = await journal.load(id);
        const expected = {
          createIfAbsent: [a1, 1, 0, undefined],
          takeover: [b2, 3, 1, 1],
          append: [a1, 4, 2, 1],
          putSnapshot: [a1, 3, 0, 2],
          truncateThrough: [a1, 3, 1, 1],
        }[kind];
        assert.deepEqual([owner, nextSeq, entries.length, snapshotSeq], expected, `${kind}, done once`);
        if (again.ok) continue;
        assert.equal(kind, "append", `a ${kind} can be repeated`);
        assert.equal(entries.at(-1)?.seq, 3, "a repeated append conflicts with nothing");
      }
    },
  }),
};

function callOf(kind: string, journal: FencedJournal, id: string): Promise<unknown> {
  if (kind === "createIfAbsent") return journal.createIfAbsent(id, a1);
  if (kind === "takeover") return journal.takeover(id, b2);
  const write = everyWrite(journal, id).find((one) => one.kind === kind);
  assert.ok(write !== undefined);
  return write.call(a1);
}

/** Writes of every kind, each followed by what ends the node, and by a look at what is left. */
async function afterEveryStep(
  trial: JournalTrial<never, never>,
  end: (journal: FencedJournal) => Promise<void>,
): Promise<void> {
  const steps: readonly ((journal: FencedJournal) => Promise<unknown>)[] = [
    (journal) => journal.createIfAbsent("s", a1, { snapshot: bytes("state 0") }),
    (journal) => journal.append("s", a1, 1, bytes("1"), 1n),
    (journal) => journal.append("s", a1, 2, bytes("2"), 2n),
    (journal) => journal.takeover("s", b2),
    (journal) => journal.putSnapshot("s", b2, 1, bytes("state 1")),
    // What is left was written by the owner before.
    (journal) => journal.truncateThrough("s", b2, 1),
    (journal) => journal.append("s", b2, 3, bytes("3"), 3n),
    (journal) => journal.append("s", b2, 4, bytes("4"), 4n),
    (journal) => journal.putSnapshot("s", b2, 6, bytes("state 6"), { ahead: true }),
    (journal) => journal.append("s", b2, 7, bytes("7"), 7n),
  ];
  let journal = await trial.open(0);
  for (const [index, step] of steps.entries()) {
    await step(journal);
    const before = plain(await journal.load("s"));
    await end(journal);
    journal = await trial.open(0);
    assert.deepEqual(plain(await journal.load("s")), before, `after step ${index + 1}`);
  }
  await refuses(journal.takeover("s", a1), "fenced");
  await refuses(journal.append("s", b2, 7, bytes("7"), 7n), "conflict");
}
