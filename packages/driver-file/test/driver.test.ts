// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { EPOCH_ZERO, epoch, type LeaseRecord, parseSeqKey, physicalMs, type SeqKey } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileCapabilities, openFileDriver } from "../src/index.ts";
import { FaultyFileSystem } from "./faulty-file-system.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function key(text: string): SeqKey {
  const parsed = parseSeqKey(text);
  if (!parsed.ok) throw new Error(`not a key: ${text}`);
  return parsed.key;
}

const lease = (leaseId: bigint): LeaseRecord => ({
  leaseId,
  holder: Uint8Array.of(9, 8),
  holderEpoch: 1n,
  ttlMs: 5_000n,
  tsUpperBound: leaseId + 1n,
  expiresAtMs: leaseId + 2n,
  superseded: false,
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => "fulfilled",
    (reason: unknown) => reason,
  );
  return error instanceof ConsensusError ? error.code : String(error);
}

const writesOf = (fileSystem: FaultyFileSystem, file: string): number =>
  fileSystem.log.filter((line) => line === `rename ${file}`).length;

describe("persistHighWater", () => {
  it("answers what is durable already without touching the disk", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    await driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    const begun = fileSystem.log.length;
    expect(await driver.persistHighWater(physicalMs(100), EPOCH_ZERO)).toBe(100);
    expect(await driver.persistHighWater(physicalMs(7), EPOCH_ZERO)).toBe(100);
    expect(fileSystem.log.length).toBe(begun);
  });

  it("does not answer from a write that is still under way", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create state.tmp");
    const first = driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    await begun;
    const answers: number[] = [];
    const second = driver.persistHighWater(physicalMs(50), EPOCH_ZERO).then((value) => answers.push(value));
    expect(await driver.loadHighWater()).toBe(0);
    expect(answers).toEqual([]);
    release();
    expect(await first).toBe(100);
    await second;
    expect(answers).toEqual([100]);
    expect(writesOf(fileSystem, "state")).toBe(1);
  });

  it("does not wait for a write under way when it needs nothing of it", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    await driver.persistHighWater(physicalMs(10), EPOCH_ZERO);
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create state.tmp");
    const first = driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    await begun;
    expect(await driver.persistHighWater(physicalMs(9), EPOCH_ZERO)).toBe(10);
    release();
    await first;
  });

  it("joins all who wait into one write of the largest", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const values = [5, 300, 20, 299].map((value) => driver.persistHighWater(physicalMs(value), EPOCH_ZERO));
    expect(await Promise.all(values)).toEqual([300, 300, 300, 300]);
    expect(writesOf(fileSystem, "state")).toBe(1);
  });

  it("writes the steps in the order that a crash survives", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const begun = fileSystem.log.length;
    await driver.persistHighWater(physicalMs(5), EPOCH_ZERO);
    expect(fileSystem.log.slice(begun).map((line) => line.replace(/ tsoracle-file-.*/, ""))).toEqual([
      "create state.tmp",
      "write state.tmp",
      "sync state.tmp",
      "close state.tmp",
      "rename state",
      "sync-directory",
    ]);
  });

  it("is never forgotten by the writer, however late in its last turn a call comes", async () => {
    await using home = await temporaryDirectory();
    await using driver = await openFileDriver({ stateDir: home.path, writeTimeoutMs: 10_000 });
    let asked = 0;
    for (let turns = 0; turns < 12; turns += 1) {
      asked += 1;
      await driver.persistHighWater(physicalMs(asked), EPOCH_ZERO);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      asked += 1;
      expect(await driver.persistHighWater(physicalMs(asked), EPOCH_ZERO)).toBe(asked);
    }
  });

  it("refuses what is out of range, and epochs that this store never had, before it writes", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const begun = fileSystem.log.length;
    for (const value of [2 ** 46, -1, 0.5, Number.NaN]) {
      expect(await codeOf(driver.persistHighWater(value as never, EPOCH_ZERO))).toBe("out_of_range");
    }
    expect(await codeOf(driver.persistHighWater(physicalMs(1), epoch(1n)))).toBe("not_leader");
    expect(await codeOf(driver.sequences.advance([{ key: key("a"), count: 1 }], epoch(1n)))).toBe("not_leader");
    expect(await codeOf(driver.leases.replace([], epoch(1n)))).toBe("not_leader");
    expect(fileSystem.log.length).toBe(begun);
    expect(await driver.persistHighWater(physicalMs(2 ** 46 - 1), EPOCH_ZERO)).toBe(2 ** 46 - 1);
  });

  it("resolves to the maximum so far, for any values in any order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 12 }), async (values) => {
        await using home = await temporaryDirectory();
        await using driver = await openFileDriver({ stateDir: home.path });
        const answers = await Promise.all(
          values.map((value) => driver.persistHighWater(physicalMs(value), EPOCH_ZERO)),
        );
        const largest = Math.max(0, ...values);
        for (const [index, answer] of answers.entries()) {
          expect(answer).toBeGreaterThanOrEqual(values[index] as number);
          expect(answer).toBeLessThanOrEqual(largest);
        }
        expect(await driver.loadHighWater()).toBe(largest);
      }),
      { numRuns: 15 },
    );
  });
});

describe("a caller that gives up", () => {
  it("before the call: no effect", async () => {
    await using home = await temporaryDirectory();
    await using driver = await openFileDriver({ stateDir: home.path });
    const signal = AbortSignal.abort(new Error("gone"));
    expect(await codeOf(driver.persistHighWater(physicalMs(100), EPOCH_ZERO, { signal }))).toBe("Error: gone");
    expect(await codeOf(driver.sequences.advance([{ key: key("a"), count: 1 }], EPOCH_ZERO, { signal }))).toBe(
      "Error: gone",
    );
    expect(await driver.loadHighWater()).toBe(0);
    expect(await home.hex("state")).toBeUndefined();
    expect(await home.hex("dense")).toBeUndefined();
  });

  it("in flight: the write goes on, and nobody else writes beside it", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create state.tmp");
    const abort = new AbortController();
    const first = codeOf(driver.persistHighWater(physicalMs(200), EPOCH_ZERO, { signal: abort.signal }));
    await begun;
    abort.abort(new Error("gone"));
    expect(await first).toBe("Error: gone");
    const second = driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    expect(fileSystem.log.filter((line) => line === "create state.tmp").length).toBe(1);
    release();
    // The late write has landed first, so the smaller value is covered and lowers nothing.
    expect(await second).toBe(200);
    expect(writesOf(fileSystem, "state")).toBe(1);
  });

  it("while queued: its block is not taken from the sequence", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create dense.tmp");
    const first = driver.sequences.advance([{ key: key("a"), count: 2 }], EPOCH_ZERO);
    await begun;
    const abort = new AbortController();
    const second = codeOf(
      driver.sequences.advance([{ key: key("a"), count: 5 }], EPOCH_ZERO, { signal: abort.signal }),
    );
    abort.abort(new Error("gone"));
    expect(await second).toBe("Error: gone");
    release();
    expect(await first).toEqual([0n]);
    expect(await driver.sequences.advance([{ key: key("a"), count: 1 }], EPOCH_ZERO)).toEqual([2n]);
  });

  it("because the disk hangs: uncertain if it was begun, transient if not, and it heals by itself", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem, writeTimeoutMs: 20 });
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create dense.tmp");
    const first = codeOf(driver.sequences.advance([{ key: key("a"), count: 1 }], EPOCH_ZERO));
    await begun;
    const second = codeOf(driver.sequences.advance([{ key: key("a"), count: 1 }], EPOCH_ZERO));
    expect(await first).toBe("uncertain");
    expect(await second).toBe("transient");
    release();
    await driver[Symbol.asyncDispose]();
    await using reopened = await openFileDriver({ stateDir: home.path });
    expect(await reopened.sequences.load(key("a"))).toBe(1n);
  });
});

describe("sequences", () => {
  it("takes a batch whole or not at all, also beside others in the same write", async () => {
    await using home = await temporaryDirectory();
    await using driver = await openFileDriver({ stateDir: home.path });
    const huge = Number.MAX_SAFE_INTEGER;
    const results = await Promise.allSettled([
      driver.sequences.advance(
        [
          { key: key("a"), count: 2 },
          { key: key("b"), count: 1 },
          { key: key("a"), count: 3 },
        ],
        EPOCH_ZERO,
      ),
      driver.sequences.advance(
        [
          { key: key("c"), count: 1 },
          { key: key("a"), count: -1 },
        ],
        EPOCH_ZERO,
      ),
      driver.sequences.advance([{ key: key("a"), count: 1 }], EPOCH_ZERO),
      driver.sequences.advance([{ key: key("big"), count: huge }], EPOCH_ZERO),
    ]);
    expect(results.map((one) => (one.status === "fulfilled" ? one.value : one.reason.code))).toEqual([
      [0n, 0n, 2n],
      "permanent",
      [5n],
      [0n],
    ]);
    expect(await driver.sequences.load(key("a"))).toBe(6n);
    expect(await driver.sequences.load(key("c"))).toBe(0n);
  });

  it("refuses the 10001st key, and keeps that limit over a restart", async () => {
    await using home = await temporaryDirectory();
    const first = await openFileDriver({ stateDir: home.path });
    const entries = Array.from({ length: 10_000 }, (_, index) => ({ key: key(`k${index}`), count: 1 }));
    await first.sequences.advance(entries, EPOCH_ZERO);
    await first[Symbol.asyncDispose]();
    await using driver = await openFileDriver({ stateDir: home.path });
    const before = await home.hex("dense");
    expect(
      await codeOf(
        driver.sequences.advance(
          [
            { key: key("k0"), count: 1 },
            { key: key("new"), count: 1 },
          ],
          EPOCH_ZERO,
        ),
      ),
    ).toBe("seq_cardinality_exceeded");
    expect(await home.hex("dense")).toBe(before);
    expect(await driver.sequences.advance([{ key: key("k9999"), count: 1 }], EPOCH_ZERO)).toEqual([1n]);
  });

  it("stores keys in order of their bytes, whatever order they came in", async () => {
    await using home = await temporaryDirectory();
    const first = await openFileDriver({ stateDir: home.path });
    // In UTF-16 the emoji sorts below U+FF5E, in UTF-8 above it.
    for (const text of ["\u{1f600}", "～", "b", "a", "é"])
      await first.sequences.advance([{ key: key(text), count: 1 }], EPOCH_ZERO);
    await first[Symbol.asyncDispose]();
    await using reopened = await openFileDriver({ stateDir: home.path });
    for (const text of ["\u{1f600}", "～", "b", "a", "é"]) expect(await reopened.sequences.load(key(text))).toBe(1n);
  });

  it("an empty batch does nothing", async () => {
    await using home = await temporaryDirectory();
    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await driver.sequences.advance([], EPOCH_ZERO)).toEqual([]);
    expect(await home.hex("dense")).toBeUndefined();
  });
});

describe("leases", () => {
  it("keeps the set that was given last, in order of id, over a restart", async () => {
    await using home = await temporaryDirectory();
    const first = await openFileDriver({ stateDir: home.path });
    await first.leases.replace([lease(1n)], EPOCH_ZERO);
    await first.leases.replace([lease(9n), lease(3n)], EPOCH_ZERO);
    expect(await first.leases.load()).toEqual([lease(3n), lease(9n)]);
    await first[Symbol.asyncDispose]();
    await using reopened = await openFileDriver({ stateDir: home.path });
    expect(await reopened.leases.load()).toEqual([lease(3n), lease(9n)]);
  });

  it.each([
    ["Uint8Array", Uint8Array.of(1, 2)],
    ["Buffer", Buffer.of(1, 2)],
  ])("does not change with what the caller does to its records afterwards: %s", async (_, holder) => {
    await using home = await temporaryDirectory();
    await using driver = await openFileDriver({ stateDir: home.path });
    const replaced = driver.leases.replace([{ ...lease(1n), holder }], EPOCH_ZERO);
    holder[0] = 77;
    await replaced;
    expect((await driver.leases.load())[0]?.holder).toEqual(Uint8Array.of(1, 2));
  });

  it.each([
    ["an id twice", [lease(1n), lease(1n)]],
    ["a number above 64 bits", [{ ...lease(1n), ttlMs: 2n ** 64n }]],
    ["a holder that no record can carry", [{ ...lease(1n), holder: new Uint8Array(65_536) }]],
  ])("refuses %s and writes nothing", async (_, live) => {
    await using home = await temporaryDirectory();
    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await codeOf(driver.leases.replace(live, EPOCH_ZERO))).toBe("permanent");
    expect(await home.hex("leases")).toBeUndefined();
  });
});

describe("the life of a driver", () => {
  it("leads in epoch 0 from the first item on, and its streams end with it", async () => {
    await using home = await temporaryDirectory();
    const driver = await openFileDriver({ stateDir: home.path });
    expect(driver.capabilities).toBe(fileCapabilities);
    expect(Object.isFrozen(driver.capabilities)).toBe(true);
    const items = driver.leadershipEvents({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: { role: "leader", epoch: 0n } });
    const ended = items.next();
    await driver[Symbol.asyncDispose]();
    expect(await ended).toEqual({ done: true, value: undefined });
  });

  it("closes after the writes under way, and answers nothing after that", async () => {
    await using home = await temporaryDirectory();
    const driver = await openFileDriver({ stateDir: home.path });
    const raised = driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    const advanced = driver.sequences.advance([{ key: key("a"), count: 1 }], EPOCH_ZERO);
    await Promise.all([driver[Symbol.asyncDispose](), driver[Symbol.asyncDispose]()]);
    expect(await raised).toBe(100);
    expect(await advanced).toEqual([0n]);
    expect(await codeOf(driver.loadHighWater())).toBe("closed");
    expect(await codeOf(driver.persistHighWater(physicalMs(1), EPOCH_ZERO))).toBe("closed");
    expect(await codeOf(driver.sequences.load(key("a")))).toBe("closed");
    expect(await codeOf(driver.sequences.advance([], EPOCH_ZERO))).toBe("closed");
    expect(await codeOf(driver.leases.load())).toBe("closed");
    expect(await codeOf(driver.leases.replace([], EPOCH_ZERO))).toBe("closed");
  });

  it("keeps the lock for as long as a write hangs, even past its disposal", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    const driver = await openFileDriver({ stateDir: home.path, fileSystem, writeTimeoutMs: 20 });
    const release = fileSystem.stall();
    const hung = codeOf(driver.persistHighWater(physicalMs(100), EPOCH_ZERO));
    await driver[Symbol.asyncDispose]();
    expect(await hung).toBe("uncertain");
    await expect(openFileDriver({ stateDir: home.path })).rejects.toMatchObject({ code: "already_locked" });
    const landed = fileSystem.arrival(`sync-directory ${home.path.split("/").at(-1)}`);
    release();
    await landed;
  });
});
