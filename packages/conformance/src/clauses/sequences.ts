// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ConsensusDriver, DenseSequences } from "@tsoracle/consensus";
import { DEFAULT_SEQ_KEY_CAP, type Epoch, U64_MAX } from "@tsoracle/core";
import { type ClausesOf, clause } from "../clause.ts";
import { isTemporary, pause, REFUSED, rejectsWith, seqKey, settle, UNKNOWN } from "../probes.ts";
import type { Subject } from "../subject.ts";
import { singleReign } from "./elections.ts";

const orders = seqKey("orders");
const invoices = seqKey("invoices/2024 ü");
/** Keys in one batch while a store is filled: what a server admits by default. */
const FILL_BATCH = 128;

export const sequencesClauses: ClausesOf<"sequences"> = {
  "sequences.absent": clause({
    sentence: "without the capability there is no sequences property",
    needs: [],
    inapplicable: ({ capabilities }) => (capabilities.sequences ? "the driver has sequences" : undefined),
    body: async (trial) => {
      const driver = await trial.open(0);
      assert.equal(driver.sequences, undefined);
    },
  }),
  "sequences.load": clause({
    sentence: "a load is the next value, zero at first, and sees every advance that resolved before it, from any node",
    needs: [],
    inapplicable: withoutSequences,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const { driver, epoch } = await trial.reign();
      for (const [total, count] of [
        [0n, 0],
        [3n, 3],
        [4n, 1],
      ] as const) {
        if (count > 0) await sequencesOf(driver).advance([{ key: orders, count }], epoch);
        for (const [node, reader] of drivers.entries()) {
          assert.equal(await sequencesOf(reader).load(orders), total, `node ${node}`);
        }
      }
      assert.equal(await sequencesOf(driver).load(invoices), 0n, "another key");
    },
  }),
  "sequences.dense": clause({
    sentence: "blocks of one key adjoin, without gap or overlap",
    needs: [],
    inapplicable: withoutSequences,
    body: async (trial) => {
      const sequences = sequencesOf(await trial.open(0));
      const { epoch } = await trial.reign();
      const twice = [orders, invoices, orders].map((key) => ({ key, count: 2 }));
      assert.deepEqual(await sequences.advance(twice, epoch), [0n, 0n, 2n], "a key that stands twice in one batch");
      const counts = Array.from({ length: 12 }, () => 1 + trial.random.below(5));
      const starts = await Promise.all(counts.map((count) => sequences.advance([{ key: orders, count }], epoch)));
      const blocks = starts.map(([start], index) => ({
        start: start as bigint,
        count: BigInt(counts[index] as number),
      }));
      blocks.sort((a, b) => (a.start < b.start ? -1 : 1));
      let next = 4n;
      for (const { start, count } of blocks) {
        assert.equal(start, next, "two blocks do not adjoin");
        next = start + count;
      }
    },
  }),
  "sequences.batch-atomic": clause({
    sentence: "a refused batch changes no counter",
    needs: [],
    inapplicable: withoutSequences,
    body: async (trial) => {
      const sequences = sequencesOf(await trial.open(0));
      const { epoch } = await trial.reign();
      await fill(sequences, epoch, trial.subject);
      const before = await sequences.load(fillKey(0));
      const beyond = seqKey("beyond the cap");
      const batch = [
        { key: fillKey(0), count: 7 },
        { key: beyond, count: 1 },
      ];
      await rejectsWith(sequences.advance(batch, epoch), ["seq_cardinality_exceeded"]);
      assert.equal(await sequences.load(fillKey(0)), before, "the admissible half of a refused batch was carried out");
      assert.equal(await sequences.load(beyond), 0n);
    },
  }),
  "sequences.cap": clause({
    sentence: "a new key beyond the cap rejects with seq_cardinality_exceeded, and existing keys go on",
    needs: [],
    inapplicable: withoutSequences,
    body: async (trial) => {
      const sequences = sequencesOf(await trial.open(0));
      const { epoch } = await trial.reign();
      await fill(sequences, epoch, trial.subject);
      const beyond = { key: seqKey("beyond the cap"), count: 1 };
      await rejectsWith(sequences.advance([beyond], epoch), ["seq_cardinality_exceeded"]);
      assert.deepEqual(await sequences.advance([{ key: fillKey(0), count: 1 }], epoch), [1n]);
    },
  }),
  "sequences.overflow": clause({
    sentence: "passing 2^64-1 rejects with seq_overflow and changes nothing",
    needs: ["setSequence"],
    inapplicable: withoutSequences,
    body: async (trial) => {
      await trial.faults.setSequence(orders, U64_MAX - 10n);
      const sequences = sequencesOf(await trial.open(0));
      const { epoch } = await trial.reign();
      assert.equal(await sequences.load(orders), U64_MAX - 10n, "the harness could not set the counter");
      await rejectsWith(sequences.advance([{ key: orders, count: 11 }], epoch), ["seq_overflow"]);
      const together = [orders, orders].map((key) => ({ key, count: 6 }));
      await rejectsWith(sequences.advance(together, epoch), ["seq_overflow"]);
      assert.deepEqual(await sequences.advance([{ key: orders, count: 10 }], epoch), [U64_MAX - 10n]);
      await rejectsWith(sequences.advance([{ key: orders, count: 1 }], epoch), ["seq_overflow"]);
    },
  }),
  "sequences.lost-reply": clause({
    sentence: "an advance whose reply was lost is uncertain or transient, and is carried out at most once",
    needs: ["loseReply"],
    inapplicable: withoutSequences,
    body: async (trial) => {
      await trial.openAll();
      const { node, driver, epoch } = await trial.reign();
      const sequences = sequencesOf(driver);
      await sequences.advance([{ key: orders, count: 3 }], epoch);
      const before = await sequences.load(orders);
      await trial.faults.loseReply(node);
      await rejectsWith(sequences.advance([{ key: orders, count: 5 }], epoch), UNKNOWN);
      let loaded = await settle(sequences.load(orders));
      while (!loaded.ok) {
        // Losing a reply may cost the connection, and with it some time.
        assert.ok(isTemporary(loaded.error), `the load rejected with ${loaded.error}`);
        await pause(trial.signal);
        loaded = await settle(sequences.load(orders));
      }
      const taken = loaded.value - before;
      assert.ok(taken === 0n || taken === 5n, `5 were asked for once, and ${taken} were taken`);
    },
  }),
  "sequences.fenced": clause({
    sentence: "a superseded epoch is refused and advances nothing",
    needs: ["elect"],
    inapplicable: (subject) => withoutSequences(subject) ?? singleReign(subject),
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      const entries = [{ key: orders, count: 5 }];
      await sequencesOf(old.driver).advance(entries, old.epoch);
      const next = await trial.reignOf((old.node + 1) % drivers.length, trial.faults.elect);
      await rejectsWith(sequencesOf(old.driver).advance(entries, old.epoch), REFUSED);
      await rejectsWith(sequencesOf(next.driver).advance(entries, old.epoch), REFUSED);
      assert.deepEqual(await sequencesOf(next.driver).advance(entries, next.epoch), [5n]);
    },
  }),
  "sequences.durable": clause({
    sentence: "an advance that resolved survives a crash",
    needs: ["crash"],
    inapplicable: withoutSequences,
    body: async (trial) => {
      await trial.openAll();
      for (const start of [0n, 4n, 8n]) {
        const { node, driver, epoch } = await trial.reign();
        assert.deepEqual(await sequencesOf(driver).advance([{ key: orders, count: 4 }], epoch), [start]);
        await trial.faults.crash(node);
        await trial.open(node);
      }
    },
  }),
};

function withoutSequences({ capabilities }: Subject): string | undefined {
  return capabilities.sequences ? undefined : "the driver has no sequences";
}

function sequencesOf(driver: ConsensusDriver): DenseSequences {
  return driver.sequences ?? assert.fail("capabilities.sequences is true, but there is no sequences property");
}

function fillKey(index: number): ReturnType<typeof seqKey> {
  return seqKey(`key ${index}`);
}

/** Uses every key that the store admits, once. */
async function fill(sequences: DenseSequences, epoch: Epoch, subject: Subject): Promise<void> {
  const cap = subject.seqKeyCap ?? DEFAULT_SEQ_KEY_CAP;
  for (let first = 0; first < cap; first += FILL_BATCH) {
    const size = Math.min(FILL_BATCH, cap - first);
    const batch = Array.from({ length: size }, (_, index) => ({ key: fillKey(first + index), count: 1 }));
    await sequences.advance(batch, epoch);
  }
}
