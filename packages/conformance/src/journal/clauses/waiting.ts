// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { settle, turns } from "../../probes.ts";
import { type JournalClauses, journalClause } from "../journal-clause.ts";
import {
  begin,
  bytes,
  eventuallyResolves,
  everyWrite,
  fence,
  inJournalTime,
  plain,
  refusedAs,
  refuses,
  texts,
  UNSETTLED,
  unchanged,
} from "../journal-probes.ts";

const owner = fence(3n, "a");

export const waitingClauses: JournalClauses<
  | "journal.cancel-before"
  | "journal.cancel-in-flight"
  | "journal.bounded"
  | "journal.partition"
  | "journal.closed"
  | "journal.dispose-idempotent"
  | "journal.dispose-settles"
  | "journal.exclusive"
> = {
  "journal.cancel-before": journalClause({
    sentence: "a call whose signal is aborted already rejects with the signal's reason and has no effect",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 2);
      const reason = new Error("cancelled before it began");
      const options = { signal: AbortSignal.abort(reason) };
      await unchanged(journal, "s", async () => {
        for (const call of [
          () => journal.load("s", options),
          () => journal.createIfAbsent("t", owner, options),
          () => journal.takeover("s", fence(4n, "b"), options),
          () => journal.append("s", owner, 3, bytes("3"), 3n, options),
          () => journal.putSnapshot("s", owner, 1, bytes("1"), options),
          () => journal.truncateThrough("s", owner, 0, options),
        ]) {
          const settled = await settle<unknown>(call());
          assert.ok(!settled.ok && settled.error === reason, "the call did not reject with the signal's reason");
        }
        await turns();
      });
      await refuses(journal.load("t"), "unknown_session");
    },
  }),
  "journal.cancel-in-flight": journalClause({
    sentence: "aborting in flight ends the wait with the signal's reason and corrupts nothing",
    needs: [],
    uses: ["stall"],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 0);
      for (const stalled of [false, true]) {
        const { nextSeq } = await journal.load("s");
        const release = stalled ? await trial.faults.stall?.(0) : undefined;
        const reason = new Error("cancelled in flight");
        const cancel = new AbortController();
        const call = settle(journal.append("s", owner, nextSeq, bytes(`${nextSeq}`), 1n, { signal: cancel.signal }));
        await turns(1);
        cancel.abort(reason);
        const settled = await inJournalTime(trial.subject, "the end of a cancelled call", call);
        if (!settled.ok)
          assert.equal(settled.error, reason, "it rejected with something else than the signal's reason");
        await release?.();
        // The write was carried out or not: whichever it was, the next number says so.
        const again = await settle(
          eventuallyResolves(trial.signal, () => journal.append("s", owner, nextSeq, bytes(`${nextSeq}`), 1n)),
        );
        const state = await eventuallyResolves(trial.signal, () => journal.load("s"));
        assert.equal(state.nextSeq, nextSeq + 1, again.ok ? "it was written twice" : "it was not written");
        assert.deepEqual(
          await texts(journal, "s"),
          Array.from({ length: nextSeq }, (_, index) => `${index + 1}`),
        );
      }
    },
  }),
  "journal.bounded": journalClause({
    sentence: "while the store stalls, writes reject as transient or uncertain instead of hanging",
    needs: ["stall"],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 1);
      const release = await trial.faults.stall(0);
      const held = settle(journal.append("s", owner, 2, bytes("2"), 2n));
      refusedAs(await inJournalTime(trial.subject, "the end of a call to a store that stalls", held), UNSETTLED);
      await release();
      await turns();
      const { entries } = await eventuallyResolves(trial.signal, () => journal.load("s"));
      assert.ok(entries.length <= 2, "one append left several entries");
      await settle(eventuallyResolves(trial.signal, () => journal.append("s", owner, 2, bytes("2"), 2n)));
      assert.deepEqual(await texts(journal, "s"), ["1", "2"]);
    },
  }),
  "journal.partition": journalClause({
    sentence: "a node that is cut off rejects its calls instead of hanging, and heals without reopening",
    needs: ["partition"],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 1);
      const heal = await trial.faults.partition(0);
      for (const [what, call] of [
        ["load", settle<unknown>(journal.load("s"))],
        ["append", settle<unknown>(journal.append("s", owner, 2, bytes("2"), 2n))],
        ["takeover", settle<unknown>(journal.takeover("s", owner))],
      ] as const) {
        refusedAs(
          await inJournalTime(trial.subject, `the end of a ${what} of a node that is cut off`, call),
          UNSETTLED,
        );
      }
      await heal();
      const { entries } = await eventuallyResolves(trial.signal, () => journal.load("s"));
      assert.ok(entries.length <= 2, "one append left several entries");
      await settle(eventuallyResolves(trial.signal, () => journal.append("s", owner, 2, bytes("2"), 2n)));
      assert.deepEqual(await texts(journal, "s"), ["1", "2"]);
    },
  }),
  "journal.closed": journalClause({
    sentence: "a call after disposal rejects as closed",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 2);
      const before = plain(await journal.load("s"));
      await trial.close(journal);
      await refuses(journal.load("s"), "closed");
      await refuses(journal.createIfAbsent("t", owner), "closed");
      await refuses(journal.takeover("s", fence(9n, "b")), "closed");
      for (const { call } of everyWrite(journal, "s")) await refuses(call(owner), "closed");
      const again = await trial.open(0);
      assert.deepEqual(plain(await again.load("s")), before);
    },
  }),
  "journal.dispose-idempotent": journalClause({
    sentence: "disposing twice is disposing once",
    needs: [],
    body: async (trial) => {
      const journal = await trial.open(0);
      const first = settle(Promise.resolve(journal[Symbol.asyncDispose]()));
      const second = settle(Promise.resolve(journal[Symbol.asyncDispose]()));
      const third = settle(trial.close(journal));
      for (const settled of [await first, await second, await third]) {
        assert.ok(settled.ok, "a second disposal rejected");
      }
    },
  }),
  "journal.dispose-settles": journalClause({
    sentence: "disposal waits for calls under way to settle",
    needs: [],
    uses: ["stall"],
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 0);
      await trial.faults.stall?.(0);
      let settled = false;
      const call = settle(journal.append("s", owner, 1, bytes("1"), 1n)).then((ended) => {
        settled = true;
        return ended;
      });
      await inJournalTime(trial.subject, "disposal", trial.close(journal));
      await turns(1);
      assert.ok(settled, "disposal did not wait for an append under way");
      const ended = await call;
      if (!ended.ok) refusedAs(ended, ["uncertain", "transient", "closed"]);
    },
  }),
  "journal.exclusive": journalClause({
    sentence: "a store that one process at a time may open refuses the second as in_use",
    needs: [],
    inapplicable: ({ exclusive }) => (exclusive === true ? undefined : "several processes may have the store open"),
    body: async (trial) => {
      const journal = await trial.open(0);
      await begin(journal, "s", owner, 1);
      await refuses(trial.open(0), "in_use");
      assert.deepEqual(await texts(journal, "s"), ["1"]);
      await trial.close(journal);
      assert.deepEqual(await texts(await trial.open(0), "s"), ["1"]);
    },
  }),
};
