// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import { MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import {
  type CertifiedStore,
  certifyStore,
  contentionPassed,
  failoverPassed,
  failoverReportSignature,
  runStoreContentionMatrix,
  runStoreFailoverMatrix,
  runStorePressureMatrix,
} from "../../src/certification.ts";
import { openFileJournal } from "../../src/file.ts";
import { temporaryDirectory } from "../stores/file/session-paths.ts";
import { contractOf, storeInProcess } from "./certified.ts";

function memory(): CertifiedStore & AsyncDisposable {
  const store = new MemoryJournalStore();
  return storeInProcess("memory", () => store.open());
}

/** A store that is broken in one way. */
function broken(changes: (inner: FencedJournal) => Partial<FencedJournal>): CertifiedStore {
  const store = new MemoryJournalStore();
  return storeInProcess("broken", () => {
    const inner = store.open();
    return Object.assign(
      {
        name: inner.name,
        limits: inner.limits,
        load: inner.load.bind(inner),
        createIfAbsent: inner.createIfAbsent.bind(inner),
        takeover: inner.takeover.bind(inner),
        append: inner.append.bind(inner),
        putSnapshot: inner.putSnapshot.bind(inner),
        truncateThrough: inner.truncateThrough.bind(inner),
        [Symbol.asyncDispose]: inner[Symbol.asyncDispose].bind(inner),
      },
      changes(inner),
    );
  });
}

describe("certification of sessions on a real store (fencing-quorum-sessions.md 4.8, G11, G12)", () => {
  it("passes on memory, with reports for programs and for people", async () => {
    await using store = memory();
    const certificate = await certifyStore(store, { runId: "run-1", contract: contractOf("memory", "log_replicated") });
    expect(certificate.pressure.results.map(({ reason }) => reason)).toEqual(Array(3).fill("within budget"));
    expect(certificate.contention).toMatchObject({ invariantFailures: [], failedBudgets: [] });
    expect(certificate.failover).toMatchObject({ failedScenarios: [], nondeterministicFailures: [] });
    expect(certificate.passed).toBe(true);
    const lines = certificate.jsonl.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual([
      ...[...Array(5).fill("failover"), ...Array(4).fill("contention"), ...Array(3).fill("pressure")],
      "verdict",
    ]);
    expect(certificate.markdown).toContain("# Failover of sessions\n\nAll scenarios pass, twice");
    expect(certificate.markdown).toContain("| memory | dependency_partitioned | passed |");
  });

  it("passes on files, and signs the failover matrix as memory does", async () => {
    await using directory = await temporaryDirectory();
    await using files = await openFileJournal({ directory: directory.path });
    const contract = contractOf("file", "log_replicated");
    const certificate = await certifyStore(
      storeInProcess("file", () => files),
      { runId: "run-1", contract },
    );
    expect(certificate.passed).toBe(true);
    await using store = memory();
    const onMemory = await runStoreFailoverMatrix(store, { runId: "run-2" });
    expect(failoverReportSignature(certificate.failover)).toBe(failoverReportSignature(onMemory));
  });

  it("fails a store that lets a deposed owner write", async () => {
    const store = broken((inner) => ({
      append: async (id, _fence, ...rest) => inner.append(id, (await inner.load(id)).fence, ...rest),
      takeover: (id, fence) =>
        inner.takeover(id, fence).catch(async (error: unknown) => {
          if (!(error instanceof JournalError) || error.code !== "fenced") throw error;
          return await inner.load(id);
        }),
    }));
    const options = { runId: "run-1" };
    const report = await runStoreFailoverMatrix(store, options);
    expect(report.failedScenarios).toEqual(["ownership_fencing", "crash_restart_failover"]);
    const contract = contractOf("broken", "log_replicated");
    const { failedBudgets } = await runStorePressureMatrix(store, options, contract);
    expect(failedBudgets.map(({ reason }) => reason)).toEqual(
      Array(3).fill("contract: no deposed owner was seen to be refused"),
    );
  });

  it("fails a store that forgets entries, in every report", async () => {
    const store = broken((inner) => ({
      load: async (id, options) => {
        const state = await inner.load(id, options);
        const nextSeq = Math.max(state.nextSeq - 1, (state.snapshotSeq ?? 0) + 1);
        const first = ["node-a", "node-0"].includes(state.fence.owner);
        return first ? state : { ...state, nextSeq, entries: state.entries.slice(0, -1) };
      },
    }));
    const certificate = await certifyStore(store, { runId: "run-1", contract: contractOf("broken", "log_replicated") });
    expect(certificate.passed).toBe(false);
    expect(failoverPassed(certificate.failover)).toBe(false);
    expect(certificate.contention.failedScenarios).toContain("checkpoint_replay_windows");
    expect(certificate.pressure.failedBudgets).toHaveLength(3);
  });

  it("fails a store whose answers come in no time that its budget allows", async () => {
    let now = 0;
    await using store = memory();
    const nowMs = (): number => {
      now += 6_000;
      return now;
    };
    const report = await runStoreContentionMatrix(store, { runId: "run-1", nowMs });
    expect(contentionPassed(report, true)).toBe(false);
    expect(report.failedBudgets).toEqual(["lease_renewal_contention:leaseWindowP95Ms"]);
    const contract = contractOf("memory", "log_replicated");
    const pressure = await runStorePressureMatrix(store, { runId: "run-2", nowMs }, contract);
    expect(pressure.failedBudgets).toHaveLength(3);
  });

  it("does not take a pressure that cannot be made for one that did no harm", async () => {
    await using store = memory();
    const bare: CertifiedStore = { name: "bare", journal: (node) => store.journal(node) };
    await expect(
      runStorePressureMatrix(bare, { runId: "run-1" }, contractOf("bare", "log_replicated")),
    ).rejects.toThrow(/expected a function slowDown/);
  });
});
