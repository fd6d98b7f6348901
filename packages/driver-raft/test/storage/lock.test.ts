// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import * as storage from "../../src/storage/index.ts";
import { type HostProcess, hostProcess, openStorage, type SimulatedDirectory } from "../../src/storage/index.ts";
import { overwrite } from "./checks.ts";
import { Life, seeded } from "./life.ts";
import { codeOf } from "./rule-checks.ts";

const live = new Map([
  [100, "t1"],
  [200, "t2"],
]);

function processOf(pid: number, fields: Partial<HostProcess> = {}): HostProcess {
  return {
    pid,
    bootId: "boot-1",
    startTime: live.get(pid) ?? "",
    pidNamespace: "pid:[1]",
    startTimeOf: (each) => live.get(each),
    ...fields,
  };
}

function formatted(): SimulatedDirectory {
  return new Life(storage, seeded(17)).disk;
}

function open(
  disk: SimulatedDirectory,
  process: HostProcess,
  unverifiable?: "refuse" | "take-over",
): storage.RaftStorage {
  return openStorage(disk, { lock: { process, unverifiable }, segmentBytes: 4096 });
}

describe("lock of a directory (I5)", () => {
  it("keeps a second process out while the first is alive, and lets it in after", () => {
    const disk = formatted();
    const first = open(disk, processOf(100));
    expect(() => open(disk, processOf(200))).toThrow(/\[locked\] process 100 holds simulated\. Stop it/);
    first.append({ hardState: { term: 2, vote: 1, commit: 1 } });
    first.close();
    expect(disk.list()).not.toContain("LOCK");
    open(disk, processOf(200)).close();
  });

  it("keeps out another thread of the same process", () => {
    const disk = formatted();
    open(disk, processOf(100));
    expect(codeOf(() => open(disk, processOf(100)))).toBe("locked");
  });

  const stale: readonly (readonly [string, Partial<HostProcess> & { readonly pid: number }])[] = [
    ["is gone", { pid: 300 }],
    ["ran before the machine was started", { pid: 100, bootId: "boot-0" }],
    ["had a pid that another process has now", { pid: 100, startTime: "t0" }],
  ];
  it.each(stale)("takes over from a process that %s", (_, { pid, ...fields }) => {
    const disk = formatted();
    const first = open(disk, processOf(pid, fields));
    const second = open(disk, processOf(200));
    expect(codeOf(() => first.append({ hardState: { term: 2, vote: 1, commit: 1 } }))).toBe("io");
    second.append({ hardState: { term: 2, vote: 2, commit: 1 } });
    expect(second.initialState().hardState.vote).toBe(2);
    expect(disk.list().filter((name) => name.startsWith("LOCK"))).toEqual(["LOCK"]);
  });

  it("refuses a holder in another container unless told to take over", () => {
    const disk = formatted();
    open(disk, processOf(300, { pidNamespace: "pid:[2]" }));
    expect(() => open(disk, processOf(100))).toThrow(/another container.*remove LOCK/);
    expect(open(disk, processOf(100), "take-over").bootCount).toBe(2);
  });

  it("writes nothing more once the lock file is another's or gone", () => {
    const disk = formatted();
    const first = open(disk, processOf(100));
    disk.remove("LOCK");
    const before = disk.counters.operations;
    expect(codeOf(() => first.append({ hardState: { term: 2, vote: 1, commit: 1 } }))).toBe("io");
    expect(disk.counters.operations).toBe(before);
    expect(codeOf(() => first.initialState())).toBe("poisoned");
  });

  it("refuses a lock file that cannot be read, and says what to do", () => {
    const disk = formatted();
    disk.create("LOCK").close();
    overwrite(disk, "LOCK", Buffer.from("{"));
    expect(() => open(disk, processOf(100))).toThrow(/LOCK in simulated cannot be read .*remove the file/);
  });

  it("knows this process as alive", () => {
    const own = hostProcess();
    expect(own.pid).toBe(process.pid);
    expect(own.startTimeOf(process.pid)).toBe(own.startTime);
  });
});
