// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { FencedJournal, JournalFence } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { openFileJournal } from "../../../src/file.ts";
import { ACKNOWLEDGED } from "../../../src/stores/file/frame.ts";
import { FaultyFiles, systemError } from "./faulty-files.ts";
import { edit, flipped, logPath, recordPlaces, snapshotPath, temporaryDirectory } from "./session-paths.ts";

const owner: JournalFence = { epoch: 1n, owner: "a" };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function begin(journal: FencedJournal, entries: number, id = "s"): Promise<void> {
  await journal.createIfAbsent(id, owner);
  for (let seq = 1; seq <= entries; seq += 1) await journal.append(id, owner, seq, bytes(`${seq}`), 1n);
}

async function texts(journal: FencedJournal, id = "s"): Promise<readonly string[]> {
  return (await journal.load(id)).entries.map(({ entry }) => new TextDecoder().decode(entry));
}

/** Opens a directory, works, closes it. */
async function within<T>(directory: string, work: (journal: FencedJournal) => Promise<T>): Promise<T> {
  await using journal = await openFileJournal({ directory });
  return await work(journal);
}

describe("a disk that is full", () => {
  it("refuses an append, leaves nothing of it, and takes it when there is room again", async () => {
    await using directory = await temporaryDirectory();
    const fileSystem = new FaultyFiles();
    await using journal = await openFileJournal({ directory: directory.path, fileSystem });
    await begin(journal, 2);
    const before = await readFile(logPath(directory.path, "s"));
    fileSystem.fail("write .journal", systemError("ENOSPC"), "before", 60);
    await expect(journal.append("s", owner, 3, bytes("3"), 1n)).rejects.toMatchObject({ code: "transient" });
    expect(await readFile(logPath(directory.path, "s"))).toEqual(before);
    await journal.append("s", owner, 3, bytes("3"), 1n);
    expect(await texts(journal)).toEqual(["1", "2", "3"]);
  });

  it.each([
    ["createIfAbsent", "write .journal.tmp"],
    ["putSnapshot", "write .snapshot.tmp"],
    ["truncateThrough", "write .journal.tmp"],
    ["takeover", "write .journal"],
  ] as const)("refuses %s and leaves the journal as it was", async (kind, step) => {
    await using directory = await temporaryDirectory();
    const fileSystem = new FaultyFiles();
    await using journal = await openFileJournal({ directory: directory.path, fileSystem });
    await begin(journal, 3);
    await journal.putSnapshot("s", owner, 1, bytes("state 1"));
    const before = await journal.load("s");
    const call = {
      createIfAbsent: () => journal.createIfAbsent("t", owner),
      putSnapshot: () => journal.putSnapshot("s", owner, 2, bytes("state 2")),
      truncateThrough: () => journal.truncateThrough("s", owner, 1),
      takeover: () => journal.takeover("s", { epoch: 2n, owner: "b" }),
    }[kind];
    fileSystem.fail(step, systemError("ENOSPC"), "before", 10);
    await expect(call()).rejects.toMatchObject({ code: "transient" });
    expect(await journal.load("s")).toEqual(before);
    await expect(journal.load("t")).rejects.toMatchObject({ code: "unknown_session" });
    await call();
  });
});

describe("an fsync that fails", () => {
  it.each([
    ["append", "sync .journal"],
    ["putSnapshot", "sync .snapshot.tmp"],
    ["putSnapshot", "rename .snapshot"],
    ["putSnapshot", "syncDirectory"],
    ["createIfAbsent", "syncDirectory"],
    ["takeover", "sync .journal"],
  ] as const)("ends %s in doubt at %s, and the trust in every session of the directory", async (kind, step) => {
    await using directory = await temporaryDirectory();
    const fileSystem = new FaultyFiles();
    await using journal = await openFileJournal({ directory: directory.path, fileSystem });
    await begin(journal, 2);
    await begin(journal, 1, "other");
    const call = {
      append: () => journal.append("s", owner, 3, bytes("3"), 1n),
      putSnapshot: () => journal.putSnapshot("s", owner, 2, bytes("state 2")),
      createIfAbsent: () => journal.createIfAbsent("t", owner),
      takeover: () => journal.takeover("s", { epoch: 2n, owner: "b" }),
    }[kind];
    fileSystem.fail(step, systemError("EIO"));
    await expect(call()).rejects.toMatchObject({ code: "uncertain" });
    await expect(call()).rejects.toMatchObject({ code: "permanent" });
    await expect(journal.load("other")).rejects.toMatchObject({ code: "permanent" });
    await journal[Symbol.asyncDispose]();
    expect(await within(directory.path, (again) => texts(again, "other"))).toEqual(["1"]);
  });

  it("leaves an append that ended in doubt to be found, or to be made again, when the store is opened again", async () => {
    for (const moment of ["before", "after"] as const) {
      await using directory = await temporaryDirectory();
      const fileSystem = new FaultyFiles();
      const journal = await openFileJournal({ directory: directory.path, fileSystem });
      await begin(journal, 1);
      fileSystem.fail("sync .journal", systemError("EIO"), moment);
      await expect(journal.append("s", owner, 2, bytes("2"), 1n)).rejects.toMatchObject({ code: "uncertain" });
      await journal[Symbol.asyncDispose]();
      await within(directory.path, async (again) => {
        const repeated = await again.append("s", owner, 2, bytes("2"), 1n).then(
          () => "done",
          (error: { code: string }) => error.code,
        );
        expect(["done", "conflict"]).toContain(repeated);
        expect(await texts(again)).toEqual(["1", "2"]);
      });
    }
  });

  it("makes what a killed process had not synced durable before anybody is told of it", async () => {
    await using directory = await temporaryDirectory();
    const dying = new FaultyFiles();
    const journal = await openFileJournal({ directory: directory.path, fileSystem: dying });
    await begin(journal, 1);
    dying.fail("sync .journal", systemError("EIO"), "before");
    await expect(journal.append("s", owner, 2, bytes("2"), 1n)).rejects.toMatchObject({ code: "uncertain" });
    await journal[Symbol.asyncDispose]();
    const fileSystem = new FaultyFiles();
    await using again = await openFileJournal({ directory: directory.path, fileSystem });
    expect(await texts(again)).toEqual(["1", "2"]);
    expect(fileSystem.log).toContain("sync .journal");
    const fresh = new FaultyFiles();
    await again[Symbol.asyncDispose]();
    await using third = await openFileJournal({ directory: directory.path, fileSystem: fresh });
    await third.load("s");
    expect(fresh.log, "a record that is marked needs no repair").not.toContain("sync .journal");
  });
});

describe("damage", () => {
  /** A directory with a session of three entries, and where its records are. */
  async function threeEntries(directory: string): Promise<readonly number[]> {
    await within(directory, (journal) => begin(journal, 3));
    return recordPlaces(await readFile(logPath(directory, "s")));
  }

  it("to the last acknowledged entry is told from a torn tail, byte by byte", async () => {
    await using directory = await temporaryDirectory();
    const places = await threeEntries(directory.path);
    const path = logPath(directory.path, "s");
    const whole = await readFile(path);
    const [from = 0, end = 0] = places.slice(-2);
    await using journal = await openFileJournal({ directory: directory.path });
    await journal[Symbol.asyncDispose]();
    for (let place = from; place < end - ACKNOWLEDGED.length; place += 7) {
      await edit(path, () => flipped(whole, place));
      await within(directory.path, async (again) => {
        await expect(again.load("s"), `byte ${place}`).rejects.toMatchObject({ code: "permanent" });
      });
      expect(await readFile(path)).toEqual(Buffer.from(flipped(whole, place)));
    }
  });

  it("to a record that was never marked as acknowledged is a torn tail", async () => {
    await using directory = await temporaryDirectory();
    const places = await threeEntries(directory.path);
    const [from = 0, end = 0] = places.slice(-2);
    await edit(logPath(directory.path, "s"), (log) => flipped(log.fill(0, end - ACKNOWLEDGED.length), from + 40));
    expect(await within(directory.path, texts)).toEqual(["1", "2"]);
  });

  it.each([1, 23, 24, 40, 90])("a tail cut off after %i bytes takes no entry before it along", async (length) => {
    await using directory = await temporaryDirectory();
    const [, , , from = 0] = await threeEntries(directory.path);
    await edit(logPath(directory.path, "s"), (log) => log.subarray(0, from + length));
    await within(directory.path, async (journal) => {
      expect(await texts(journal)).toEqual(["1", "2"]);
      await journal.append("s", owner, 3, bytes("again"), 1n);
    });
    expect(await within(directory.path, texts)).toEqual(["1", "2", "again"]);
  });

  it("an entry that is missing, repeated or another session's is refused", async () => {
    await using directory = await temporaryDirectory();
    const [, first = 0, second = 0, third = 0] = await threeEntries(directory.path);
    await within(directory.path, (journal) => begin(journal, 3, "other"));
    const path = logPath(directory.path, "s");
    const whole = await readFile(path);
    const other = await readFile(logPath(directory.path, "other"));
    for (const log of [
      Buffer.concat([whole.subarray(0, first), whole.subarray(second)]),
      Buffer.concat([whole.subarray(0, third), whole.subarray(second, third), whole.subarray(third)]),
      other,
      whole.subarray(0, 10),
      Buffer.alloc(0),
    ]) {
      await edit(path, () => log);
      await within(directory.path, async (journal) => {
        await expect(journal.load("s")).rejects.toMatchObject({ code: "permanent" });
        await expect(journal.createIfAbsent("s", owner)).rejects.toMatchObject({ code: "permanent" });
      });
    }
  });

  it("to a snapshot, or its loss after a truncation, is refused, and so is a snapshot without a journal", async () => {
    await using directory = await temporaryDirectory();
    await within(directory.path, async (journal) => {
      await begin(journal, 3);
      await journal.putSnapshot("s", owner, 2, bytes("state 2"));
      await journal.truncateThrough("s", owner, 2);
    });
    const path = snapshotPath(directory.path, "s");
    const whole = await readFile(path);
    const refused = (): Promise<void> =>
      within(directory.path, (journal) => expect(journal.load("s")).rejects.toMatchObject({ code: "permanent" }));
    for (const damaged of [flipped(whole, 40), whole.subarray(0, whole.length - 1), Buffer.alloc(0)]) {
      await edit(path, () => damaged);
      await refused();
    }
    await rm(path);
    await refused();
    await edit(logPath(directory.path, "s"), (log) => log);
    await within(directory.path, (journal) => begin(journal, 1, "t"));
    await within(directory.path, (journal) => journal.putSnapshot("t", owner, 1, bytes("state 1")));
    await rm(logPath(directory.path, "t"));
    await within(directory.path, (journal) => expect(journal.load("t")).rejects.toMatchObject({ code: "permanent" }));
  });
});

describe("a directory of journals", () => {
  it("is refused to a second opener of the same process, and free after disposal", async () => {
    await using directory = await temporaryDirectory();
    const first = await openFileJournal({ directory: directory.path });
    await expect(openFileJournal({ directory: directory.path })).rejects.toMatchObject({ code: "in_use" });
    await first[Symbol.asyncDispose]();
    await (await openFileJournal({ directory: directory.path }))[Symbol.asyncDispose]();
    expect(await readdir(directory.path)).toEqual([]);
  });

  it("goes to at most one of many that come at once", async () => {
    await using directory = await temporaryDirectory();
    for (let round = 0; round < 5; round += 1) {
      const ended = await Promise.allSettled(
        Array.from({ length: 6 }, () => openFileJournal({ directory: directory.path })),
      );
      const opened = ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      expect(opened.length).toBeLessThanOrEqual(1);
      for (const one of ended) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "in_use" });
      for (const journal of opened) await journal[Symbol.asyncDispose]();
    }
  });

  it("is no longer written to when its mark was removed", async () => {
    await using directory = await temporaryDirectory();
    await using journal = await openFileJournal({ directory: directory.path });
    await begin(journal, 1);
    for (const name of await readdir(directory.path)) {
      if (name.startsWith("lock-")) await rm(`${directory.path}/${name}`);
    }
    await expect(journal.append("s", owner, 2, bytes("2"), 1n)).rejects.toMatchObject({ code: "permanent" });
    expect(await texts(journal)).toEqual(["1"]);
  });

  it("may have a path that is longer than the address of a socket", async () => {
    await using directory = await temporaryDirectory();
    const long = `${directory.path}/${"long".repeat(40)}`;
    await using journal = await openFileJournal({ directory: long });
    await expect(openFileJournal({ directory: long })).rejects.toMatchObject({ code: "in_use" });
    await begin(journal, 1);
    expect(await texts(journal)).toEqual(["1"]);
  });

  it("is refused where its parent is not there, and options that cannot be", async () => {
    await using directory = await temporaryDirectory();
    await expect(openFileJournal({ directory: `${directory.path}/no/such` })).rejects.toMatchObject({
      code: "permanent",
    });
    const file = logPath(directory.path, "a file");
    await writeFile(file, "not a directory");
    await expect(openFileJournal({ directory: file })).rejects.toMatchObject({ code: "permanent" });
    await expect(openFileJournal({ directory: "" })).rejects.toMatchObject({ code: "invalid" });
    await expect(openFileJournal({ directory: directory.path, writeTimeoutMs: 0 })).rejects.toMatchObject({
      code: "invalid",
    });
    await expect(openFileJournal({ directory: directory.path, limits: { maxEntryBytes: 0 } })).rejects.toMatchObject({
      code: "invalid",
    });
  });

  it("keeps more sessions than it remembers at once", async () => {
    await using directory = await temporaryDirectory();
    await using journal = await openFileJournal({ directory: directory.path });
    await begin(journal, 1, "first");
    const unknown = Array.from({ length: 1_100 }, (_, index) => journal.load(`unknown ${index}`).catch(() => {}));
    await Promise.all(unknown);
    await journal.append("first", owner, 2, bytes("2"), 1n);
    expect(await texts(journal, "first")).toEqual(["1", "2"]);
  });
});
