// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DurableEpochFencer, type FenceRecord, type FenceStore, FenceStoreError } from "../src/index.ts";
import { type Fate, ScriptedStore } from "./scripted-store.ts";

const open = (store: FenceStore): Promise<DurableEpochFencer> => DurableEpochFencer.open(store);

describe("DurableEpochFencer", () => {
  it("D11 goes on after a restart from what it accepted", async () => {
    const store = new ScriptedStore();
    expect(await (await open(store)).check(7n, "a")).toEqual({ ok: true, advanced: true });
    const again = await open(store);
    expect(again.highest).toBe(7n);
    expect(await again.check(6n, "a")).toEqual({ ok: false, kind: "stale", current: 7n });
    expect(await again.check(7n, "a")).toEqual({ ok: true, advanced: false });
    expect(await again.check(7n, "b")).toEqual({ ok: false, kind: "split_brain", currentOwner: "a" });
  });

  it("D12 does not accept what could not be persisted", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    await fence.check(5n, "a");
    store.raises = ["fail"];
    await expect(fence.check(7n, "b")).rejects.toThrow("[not_persisted]");
    expect(fence.held).toEqual({ epoch: 5n, owner: "a" });
    expect(await fence.check(5n, "a")).toEqual({ ok: true, advanced: false });
    expect(await (await open(store)).check(6n, "c")).toEqual({ ok: true, advanced: true });
  });

  it("does not answer before the store has confirmed", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    let confirm = (): void => {};
    const slow: FenceStore = {
      load: () => store.load(),
      raise: async (record) => {
        await new Promise<void>((resolve) => {
          confirm = resolve;
        });
        return await store.raise(record);
      },
    };
    const slowFence = await open(slow);
    let answered = false;
    const check = slowFence.check(7n, "a").then((verdict) => {
      answered = true;
      return verdict;
    });
    await new Promise(setImmediate);
    expect([answered, slowFence.highest]).toEqual([false, 0n]);
    confirm();
    expect(await check).toEqual({ ok: true, advanced: true });
    expect(fence.highest).toBe(0n);
  });

  it("honours a promise whose answer was lost, once it can see it", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    await fence.check(5n, "a");
    store.raises = ["lose-answer"];
    await expect(fence.check(7n, "b")).rejects.toThrow(FenceStoreError);
    expect(fence.highest).toBe(5n);
    expect(await fence.check(6n, "c")).toEqual({ ok: false, kind: "stale", current: 7n });
    expect(await fence.check(7n, "b")).toEqual({ ok: true, advanced: false });
  });

  it("accepts nothing while it is in doubt and cannot read", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    await fence.check(5n, "a");
    store.raises = ["lose-answer"];
    store.loads = ["fail"];
    await expect(fence.check(7n, "b")).rejects.toThrow("[not_persisted]");
    await expect(fence.check(5n, "a")).rejects.toThrow("[unavailable]");
    expect(await fence.check(5n, "a")).toEqual({ ok: false, kind: "stale", current: 7n });
  });

  it("lets a late write win over a claim for the same epoch", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    store.raises = ["land-late"];
    await expect(fence.check(7n, "b")).rejects.toThrow("timed out");
    expect(await fence.check(6n, "c")).toEqual({ ok: true, advanced: true });
    await store.landLate();
    expect(await fence.check(7n, "d")).toEqual({ ok: false, kind: "split_brain", currentOwner: "b" });
    expect(fence.held).toEqual({ epoch: 7n, owner: "b" });
  });

  it("never lets a late write take back a newer promise", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    store.raises = ["land-late"];
    await expect(fence.check(7n, "b")).rejects.toThrow("timed out");
    await fence.check(9n, "c");
    await store.landLate();
    expect((await open(store)).held).toEqual({ epoch: 9n, owner: "c" });
  });

  it("stops when the store has forgotten what it confirmed", async () => {
    const store = new ScriptedStore();
    const fence = await open({ load: () => store.load(), raise: async () => ({ epoch: 1n, owner: "x" }) });
    await expect(fence.check(7n, "a")).rejects.toThrow("[store_regressed]");
    expect(fence.highest).toBe(0n);
  });

  it("does not open what is no fence record", async () => {
    const broken: FenceStore = {
      load: async () => ({ epoch: 2n ** 64n, owner: "a" }),
      raise: async (record) => record,
    };
    await expect(open(broken)).rejects.toThrow("[store_malformed]");
    await expect(DurableEpochFencer.open(broken, { bits: 128 })).resolves.toBeInstanceOf(DurableEpochFencer);
  });

  it("decides concurrent claims in the order in which they were made", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    const verdicts = await Promise.all([
      fence.check(5n, "a"),
      fence.check(7n, "b"),
      fence.check(6n, "c"),
      fence.check(7n, "b"),
    ]);
    expect(verdicts.map(({ ok }) => ok)).toEqual([true, true, false, true]);
    expect(store.log).toEqual(["load", "raise 5 a", "raise 7 b"]);
  });

  it("classifies without touching anything", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    await fence.check(5n, "a");
    const before = [...store.log];
    expect([
      fence.classify(5n, "a"),
      fence.classify(6n, "b"),
      fence.classify(5n, "b"),
      fence.classify(4n, "a"),
    ]).toEqual([
      { kind: "admit" },
      { kind: "adopt" },
      { kind: "fence", refusal: { ok: false, kind: "split_brain", currentOwner: "a" } },
      { kind: "fence", refusal: { ok: false, kind: "stale", current: 5n } },
    ]);
    expect(fence.held).toEqual({ epoch: 5n, owner: "a" });
    expect(store.log).toEqual(before);
  });

  it("fences at the record what the stream's opening had let in", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    const applied: string[] = [];
    const apply = (what: string) => async (): Promise<string> => {
      applied.push(what);
      return what;
    };
    expect(await fence.check(5n, "a")).toMatchObject({ ok: true });
    expect(await fence.guard(5n, "a", apply("one"))).toEqual({ ok: true, advanced: false, value: "one" });
    expect(await fence.guard(6n, "b", apply("two"))).toEqual({ ok: true, advanced: true, value: "two" });
    expect(await fence.guard(5n, "a", apply("three"))).toEqual({ ok: false, kind: "stale", current: 6n });
    expect(applied).toEqual(["one", "two"]);
  });

  it("lets no newer promise in between a check and its write", async () => {
    const fence = await open(new ScriptedStore());
    const events: string[] = [];
    let finish = (): void => {};
    const write = fence.guard(5n, "a", async () => {
      events.push("write begins");
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      events.push("write ends");
    });
    const newer = fence.check(6n, "b").then(() => events.push("6 promised"));
    await new Promise(setImmediate);
    expect(events).toEqual(["write begins"]);
    finish();
    await Promise.all([write, newer]);
    expect(events).toEqual(["write begins", "write ends", "6 promised"]);
  });

  it("goes on after a write that failed, and does not persist for refused claims", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    await expect(fence.guard(5n, "a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await fence.check(4n, "a")).toMatchObject({ ok: false });
    expect(store.log).toEqual(["load", "raise 5 a"]);
  });

  it("refuses values outside its domain before anything is asked of the store", async () => {
    const store = new ScriptedStore();
    const fence = await open(store);
    await expect(fence.check(-1n, "a")).rejects.toThrow(RangeError);
    await expect(fence.check(1n, "")).rejects.toThrow(RangeError);
    expect(store.log).toEqual(["load"]);
  });

  it("never accepts below what it accepted before, whatever the store does and however often it restarts", async () => {
    const fates: Fate[] = ["work", "work", "fail", "lose-answer", "land-late"];
    const step = fc.oneof(
      fc.record({ kind: fc.constant("check" as const), epoch: fc.bigInt(0n, 6n), owner: fc.constantFrom("a", "b") }),
      fc.record({ kind: fc.constant("restart" as const) }),
      fc.record({ kind: fc.constant("land" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.array(fc.constantFrom(...fates)),
        async (steps, script) => {
          const store = new ScriptedStore();
          store.raises = script;
          let fence = await open(store);
          let accepted: FenceRecord | undefined;
          for (const one of steps) {
            if (one.kind === "restart") fence = await open(store);
            else if (one.kind === "land") await store.landLate();
            else {
              const verdict = await fence.check(one.epoch, one.owner).catch(() => ({ ok: false }));
              if (!verdict.ok) continue;
              expect(accepted === undefined || one.epoch >= accepted.epoch).toBe(true);
              if (accepted?.epoch === one.epoch) expect(one.owner).toBe(accepted.owner);
              accepted = { epoch: one.epoch, owner: one.owner };
              expect((await store.disk.load())?.epoch).toBeGreaterThanOrEqual(one.epoch);
            }
          }
        },
      ),
    );
  });
});
