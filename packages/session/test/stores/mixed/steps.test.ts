// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal, JournalFence, JournalState } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { mixedJournal } from "../../../src/mixed.ts";

const a: JournalFence = { epoch: 1n, owner: "a" };
const b: JournalFence = { epoch: 2n, owner: "b" };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

/** Two memory stores, and handles on them that can be made to fail. */
class Stores {
  readonly snapshots = new MemoryJournalStore();
  readonly journal = new MemoryJournalStore();

  open(): FencedJournal {
    return mixedJournal({ snapshots: this.snapshots.open(), journal: this.journal.open() });
  }

  /** Handles whose calls a test can fail, and the mixed journal over them. */
  faulty(): { readonly snapshots: FaultyJournal; readonly journal: FaultyJournal; readonly mixed: FencedJournal } {
    const snapshots = faultyJournal(this.snapshots.open());
    const journal = faultyJournal(this.journal.open());
    return { snapshots, journal, mixed: mixedJournal({ snapshots, journal }) };
  }
}

/** What everybody must be able to rebuild: the newest snapshot, and the entries after it. */
function shown({ snapshot, entries, nextSeq }: JournalState): string {
  return `${snapshot === undefined ? "none" : text(snapshot.bytes)} + ${entries.map(({ entry }) => text(entry)).join("")} < ${nextSeq}`;
}

async function withEntries(count: number): Promise<Stores> {
  const stores = new Stores();
  const journal = stores.open();
  await journal.createIfAbsent("s", a);
  for (let seq = 1; seq <= count; seq += 1) await journal.append("s", a, seq, bytes(`${seq}`), 0n);
  return stores;
}

const code = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => "done",
    (error: { code: string }) => error.code,
  );

describe("mixed journals, ended between any two steps", () => {
  it("have a state that can be loaded when a snapshot has no marker yet, and the marker is made good", async () => {
    const stores = await withEntries(4);
    const { journal, mixed } = stores.faulty();
    journal.faults.failNext("transient", { method: "putSnapshot" });
    expect(await code(mixed.putSnapshot("s", a, 3, bytes("state 3")))).toBe("uncertain");
    const next = stores.open();
    expect(shown(await next.load("s"))).toBe("state 3 + 4 < 5");
    expect((await next.takeover("s", b)).snapshotSeq).toBe(3);
    await next.truncateThrough("s", b, 3);
    expect(shown(await next.load("s"))).toBe("state 3 + 4 < 5");
    expect((await stores.journal.open().load("s")).snapshotSeq).toBe(3);
  });

  it("keep every entry as long as the snapshot itself has failed", async () => {
    const stores = await withEntries(4);
    const { snapshots, mixed } = stores.faulty();
    snapshots.faults.failNext("transient", { method: "putSnapshot" });
    expect(await code(mixed.putSnapshot("s", a, 3, bytes("state 3")))).toBe("transient");
    expect(await code(mixed.truncateThrough("s", a, 3))).toBe("conflict");
    expect(shown(await stores.open().load("s"))).toBe("none + 1234 < 5");
  });

  it("let the successor go on when a takeover has reached only the entries", async () => {
    const stores = await withEntries(2);
    const first = stores.open();
    await first.putSnapshot("s", a, 1, bytes("state 1"));
    const { snapshots, mixed } = stores.faulty();
    snapshots.faults.failNext("transient", { method: "takeover" });
    expect(await code(mixed.takeover("s", b))).toBe("uncertain");
    // The old owner is shut out of the entries already, and asks for them before it puts a snapshot.
    expect(await code(first.append("s", a, 3, bytes("late"), 0n))).toBe("fenced");
    expect(await code(first.putSnapshot("s", a, 2, bytes("late")))).toBe("fenced");
    const next = stores.open();
    await next.append("s", b, 3, bytes("3"), 0n);
    await next.putSnapshot("s", b, 3, bytes("state 3"));
    expect(shown(await next.load("s"))).toBe("state 3 +  < 4");
    expect(await code(first.putSnapshot("s", a, 2, bytes("late")))).toBe("fenced");
  });

  it("put a snapshot that goes ahead in one step, so that no number is given twice", async () => {
    const stores = await withEntries(2);
    const mixed = stores.open();
    await mixed.putSnapshot("s", a, 7, bytes("state 7"), { ahead: true });
    expect(await code(mixed.append("s", a, 3, bytes("3"), 0n))).toBe("conflict");
    await mixed.append("s", a, 8, bytes("8"), 0n);
    expect(shown(await mixed.load("s"))).toBe("state 7 + 8 < 9");
    await mixed.putSnapshot("s", a, 7, bytes("again"));
    expect(shown(await mixed.load("s"))).toBe("again + 8 < 9");
  });

  it("keep a snapshot that goes ahead while a truncation waits for it", async () => {
    const stores = await withEntries(2);
    const journal = stores.journal.open();
    const refused = journal.truncateThrough.bind(journal);
    // The snapshot arrives after the truncation was refused and before it looks whether a marker is missing.
    journal.truncateThrough = async (...call) => {
      await refused(...call).catch(async (error: unknown) => {
        await stores.open().putSnapshot("s", a, 7, bytes("state 7"), { ahead: true });
        throw error;
      });
    };
    const mixed = mixedJournal({ snapshots: stores.snapshots.open(), journal });
    expect(await code(mixed.truncateThrough("s", a, 7))).toBe("conflict");
    expect(shown(await stores.open().load("s"))).toBe("state 7 +  < 8");
  });

  it("do not say that nothing was written when a takeover comes between a snapshot and its marker", async () => {
    const stores = await withEntries(2);
    const journal = stores.journal.open();
    const put = journal.putSnapshot.bind(journal);
    journal.putSnapshot = async (...call) => {
      await stores.open().takeover("s", b);
      await put(...call);
    };
    const mixed = mixedJournal({ snapshots: stores.snapshots.open(), journal });
    expect(await code(mixed.putSnapshot("s", a, 2, bytes("state 2")))).toBe("uncertain");
    expect(shown(await stores.open().load("s"))).toBe("state 2 +  < 3");
    // Repeated it is what it would have been later.
    expect(await code(mixed.putSnapshot("s", a, 2, bytes("state 2")))).toBe("fenced");
  });

  it("say so when one of the stores was set back", async () => {
    const stores = await withEntries(3);
    const mixed = stores.open();
    await mixed.putSnapshot("s", a, 3, bytes("state 3"));
    const lost = mixedJournal({ snapshots: new MemoryJournalStore().open(), journal: stores.journal.open() });
    expect(await code(lost.load("s"))).toBe("permanent");
    const old = new MemoryJournalStore();
    await old.open().createIfAbsent("s", a);
    const back = mixedJournal({ snapshots: stores.snapshots.open(), journal: old.open() });
    expect(await code(back.load("s"))).toBe("permanent");
  });
});

describe("mixed journals with their steps in another order", () => {
  /** The state after a crash that comes when `steps` of a wrong order have been done. */
  async function afterCrash(steps: (stores: Stores) => Promise<void>): Promise<string> {
    const stores = await withEntries(4);
    await steps(stores);
    return await stores
      .open()
      .load("s")
      .then(shown, (error: { code: string }) => error.code);
  }

  it("would lose entries if the marker came before the snapshot", async () => {
    const lost = await afterCrash(async ({ journal }) => {
      await journal.open().putSnapshot("s", a, 3, new Uint8Array(0));
    });
    expect(lost).toBe("permanent");
  });

  it("could not truncate before the marker: the journal's store refuses it", async () => {
    const stores = await withEntries(4);
    await stores.snapshots.open().createIfAbsent("s", a);
    await stores.snapshots.open().putSnapshot("s", a, 3, bytes("state 3"), { ahead: true });
    expect(await code(stores.journal.open().truncateThrough("s", a, 3))).toBe("conflict");
  });

  it("would shut the owner out if the fence were put on the snapshots first", async () => {
    const stores = await withEntries(1);
    // A loser with a greater epoch reaches the snapshots and dies; the owner of the entries can put none any more.
    await stores.snapshots.open().createIfAbsent("s", { epoch: 9n, owner: "loser" });
    expect(await code(stores.open().putSnapshot("s", a, 1, bytes("state 1")))).toBe("fenced");
  });
});
