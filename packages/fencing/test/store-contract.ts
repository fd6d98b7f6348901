// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { DurableEpochFencer, type EpochBits, type FenceStore } from "../src/index.ts";

/**
 * The rules of the store port, for any store. `open` opens the record of a name, again if it exists.
 */
export function storeContract(name: string, bits: EpochBits, open: (record: string) => FenceStore): void {
  const max = 2n ** BigInt(bits) - 1n;
  let count = 0;
  const fresh = (): (() => FenceStore) => {
    count += 1;
    const record = `record ${count} of ${name}`;
    return () => open(record);
  };

  describe(`the fence store ${name}`, () => {
    it("holds nothing at first, and then what was raised, for whoever opens it", async () => {
      const reopen = fresh();
      expect(await reopen().load()).toBeUndefined();
      expect(await reopen().raise({ epoch: 5n, owner: "a" })).toEqual({ epoch: 5n, owner: "a" });
      expect(await reopen().load()).toEqual({ epoch: 5n, owner: "a" });
    });

    it("keeps what is higher, and the first owner of an epoch, and says so", async () => {
      const store = fresh()();
      await store.raise({ epoch: 5n, owner: "a" });
      expect(await store.raise({ epoch: 4n, owner: "z" })).toEqual({ epoch: 5n, owner: "a" });
      expect(await store.raise({ epoch: 5n, owner: "b" })).toEqual({ epoch: 5n, owner: "a" });
      expect(await store.raise({ epoch: 5n, owner: "a" })).toEqual({ epoch: 5n, owner: "a" });
      expect(await store.raise({ epoch: 6n, owner: "b" })).toEqual({ epoch: 6n, owner: "b" });
      expect(await store.load()).toEqual({ epoch: 6n, owner: "b" });
    });

    it("tells neighbouring epochs apart wherever a number rounds or changes its sign", async () => {
      const edges = [2n ** 31n, 2n ** 32n, 2n ** 53n, 10n ** 10n, 2n ** 63n, 2n ** 64n - 2n, max - 1n];
      const ascending = [...new Set(edges.filter((edge) => edge < max))].sort((a, b) => (a < b ? -1 : 1));
      const store = fresh()();
      for (const edge of ascending) {
        expect(await store.raise({ epoch: edge, owner: "a" })).toEqual({ epoch: edge, owner: "a" });
        expect(await store.raise({ epoch: edge - 1n, owner: "z" })).toEqual({ epoch: edge, owner: "a" });
        expect(await store.raise({ epoch: edge + 1n, owner: "b" })).toEqual({ epoch: edge + 1n, owner: "b" });
        expect(await store.raise({ epoch: edge, owner: "a" })).toEqual({ epoch: edge + 1n, owner: "b" });
        if (edge === max - 1n) break;
        await store.raise({ epoch: edge + 1n, owner: "b" });
      }
      expect(await store.load()).toMatchObject({ epoch: max });
    });

    it("compares owners exactly", async () => {
      const store = fresh()();
      await store.raise({ epoch: 5n, owner: "Node-\u00e9\u{1f600}'\"\\ \n" });
      for (const other of [
        "node-\u00e9\u{1f600}'\"\\ \n",
        "Node-e\u0301\u{1f600}'\"\\ \n",
        "Node-\u00e9\u{1f600}'\"\\ ",
      ]) {
        expect((await store.raise({ epoch: 5n, owner: other })).owner).toBe("Node-\u00e9\u{1f600}'\"\\ \n");
      }
    });

    it("ends at the highest of many concurrent claims", async () => {
      const reopen = fresh();
      const epochs = Array.from({ length: 30 }, (_, index) => BigInt((index * 17) % 31));
      await Promise.all(epochs.map((epoch) => reopen().raise({ epoch, owner: `node-${epoch}` })));
      expect(await reopen().load()).toEqual({ epoch: 30n, owner: "node-30" });
    });

    it("carries a durable fence over a restart (D11)", async () => {
      const reopen = fresh();
      await (await DurableEpochFencer.open(reopen(), { bits })).check(7n, "a");
      const fence = await DurableEpochFencer.open(reopen(), { bits });
      expect(await fence.check(6n, "a")).toEqual({ ok: false, kind: "stale", current: 7n });
      expect(await fence.check(7n, "b")).toEqual({ ok: false, kind: "split_brain", currentOwner: "a" });
      expect(await fence.check(max, "b")).toEqual({ ok: true, advanced: true });
    });

    it("lets one of two processes win, and the other learns of it", async () => {
      const reopen = fresh();
      const fences = await Promise.all([0, 1].map(() => DurableEpochFencer.open(reopen(), { bits })));
      const verdicts = await Promise.all(fences.map((fence, index) => fence.check(5n, `process ${index}`)));
      expect(verdicts.filter(({ ok }) => ok)).toHaveLength(1);
      expect(verdicts.filter((verdict) => !verdict.ok && verdict.kind === "split_brain")).toHaveLength(1);
    });
  });
}
