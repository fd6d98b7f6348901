// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal, JournalFence, JournalState } from "@tsoracle/consensus";
import { MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { openFileJournal } from "../../../src/file.ts";
import { DIRECTORY, FakeDisk, type Lie, SURVIVALS, type Survival } from "./fake-disk.ts";

const [a, b] = [
  { epoch: 1n, owner: "a" },
  { epoch: 2n, owner: "b" },
];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One of everything that can be written, in an order in which each is accepted. */
const WRITES: readonly ((journal: FencedJournal) => Promise<unknown>)[] = [
  (journal) => journal.createIfAbsent("s", a, { snapshot: bytes("state 0") }),
  (journal) => journal.append("s", a, 1, bytes("1".repeat(100)), 1n),
  (journal) => journal.append("s", a, 2, bytes("2".repeat(300)), 2n),
  (journal) => journal.takeover("s", b),
  (journal) => journal.putSnapshot("s", b, 1, bytes("state 1")),
  (journal) => journal.truncateThrough("s", b, 1),
  (journal) => journal.append("s", b, 3, bytes("3"), 3n),
  (journal) => journal.putSnapshot("s", b, 5, bytes("state 5"), { ahead: true }),
  (journal) => journal.append("s", b, 6, bytes("6".repeat(200)), 6n),
  (journal) => journal.truncateThrough("s", b, 5),
];

function show({ fence, nextSeq, firstSeq, snapshot, entries }: JournalState): string {
  const text = (value: Uint8Array): string => new TextDecoder().decode(value);
  const by = ({ epoch, owner }: JournalFence): string => `${owner}@${epoch}`;
  const state = snapshot === undefined ? "none" : `${snapshot.seq} by ${by(snapshot)} ${text(snapshot.bytes)}`;
  const shown = entries.map((one) => `${one.seq} by ${by(one)} at ${one.ts} ${text(one.entry)}`);
  return `${by(fence)} next ${nextSeq} first ${firstSeq} snapshot ${state} entries ${shown.join(", ")}`;
}

/** What a load must show after each number of writes; the first is before any. */
async function expectedStates(): Promise<readonly string[]> {
  const journal = new MemoryJournalStore().open();
  const states = ["nothing"];
  for (const write of WRITES) {
    await write(journal);
    states.push(show(await journal.load("s")));
  }
  return states;
}

interface Run {
  /** How many writes were acknowledged before the process died. */
  readonly acknowledged: number;
  readonly operations: readonly string[];
}

async function runUntilDeath(disk: FakeDisk, diesAt: number, moment: "before" | "after"): Promise<Run> {
  const process = disk.startProcess(diesAt, moment);
  let acknowledged = 0;
  const work = async (): Promise<void> => {
    const journal = await openFileJournal({ directory: DIRECTORY, fileSystem: process.fileSystem });
    for (const write of WRITES) {
      await write(journal);
      acknowledged += 1;
    }
  };
  await Promise.race([work(), process.dead]);
  return { acknowledged, operations: process.operations };
}

/** What a process sees that starts now. */
async function recovered(disk: FakeDisk): Promise<string> {
  const { fileSystem } = disk.startProcess(Number.POSITIVE_INFINITY, "before");
  const journal = await openFileJournal({ directory: DIRECTORY, fileSystem });
  return await journal
    .load("s")
    .then(show, (error: { code: string }) =>
      error.code === "unknown_session" ? "nothing" : `refused as ${error.code}`,
    );
}

/** Every death at every operation with every outcome of a power cut; resolves to what went wrong. */
async function everyCrash(lie?: Lie): Promise<readonly string[]> {
  const states = await expectedStates();
  const whole = await runUntilDeath(new FakeDisk(), Number.POSITIVE_INFINITY, "before");
  expect(whole.acknowledged).toBe(WRITES.length);
  const wrong: string[] = [];
  for (let diesAt = 0; diesAt < whole.operations.length; diesAt += 1) {
    for (const moment of ["before", "after"] as const) {
      for (const survival of SURVIVALS) {
        const disk = new FakeDisk(lie);
        const { acknowledged } = await runUntilDeath(disk, diesAt, moment);
        disk.cutPower(survival);
        const seen = await recovered(disk);
        // The write under way may be there or not; everything before it is, and nothing else.
        if (seen === states[acknowledged] || seen === states[acknowledged + 1]) continue;
        wrong.push(`death ${moment} ${whole.operations[diesAt]}, ${survival}: ${acknowledged} writes, then ${seen}`);
      }
    }
  }
  return wrong;
}

describe("a power cut", () => {
  it("loses nothing that was acknowledged and makes nothing up, wherever it comes", async () => {
    expect(await everyCrash()).toEqual([]);
  }, 60_000);

  it("control: a file system whose fsync does nothing is found out", async () => {
    expect(await everyCrash("file-sync-does-nothing")).not.toEqual([]);
  }, 60_000);

  it("control: a directory whose fsync does nothing is found out", async () => {
    expect(await everyCrash("directory-sync-does-nothing")).not.toEqual([]);
  }, 60_000);

  it("takes back nothing that a restarted process has shown", async () => {
    const whole = await runUntilDeath(new FakeDisk(), Number.POSITIVE_INFINITY, "before");
    const second: readonly Survival[] = ["synced-only", "names-with-torn-content"];
    for (let diesAt = 0; diesAt < whole.operations.length; diesAt += 1) {
      for (const survival of second) {
        const disk = new FakeDisk();
        await runUntilDeath(disk, diesAt, "after");
        // The process dies with its writes in the page cache; the next one sees them and answers from them.
        const shown = await recovered(disk);
        disk.cutPower(survival);
        expect(await recovered(disk), `death after ${whole.operations[diesAt]}, ${survival}`).toBe(shown);
      }
    }
  }, 60_000);
});
