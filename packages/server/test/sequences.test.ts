// SPDX-License-Identifier: Apache-2.0
import { epoch, parseSeqKey } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import type { RpcError } from "../src/status.ts";
import { Code } from "../src/status.ts";
import { BenchOracle } from "./support/bench-oracle.ts";
import { until } from "./support/manual-time.ts";

async function refusal(work: Promise<unknown>): Promise<RpcError> {
  return work.then(
    () => expect.fail("it was not refused"),
    (error: RpcError) => error,
  );
}

const get = (bench: BenchOracle, key: string, count: number) => bench.oracle.sequences.getSeq({ key, count });
const batch = (bench: BenchOracle, ...entries: { key: string; count: number }[]) =>
  bench.oracle.sequences.getSeqBatch({ entries });

describe("dense sequences", () => {
  it("hands out adjoining blocks with the epoch", async () => {
    const bench = await BenchOracle.serving();
    expect(await get(bench, "a", 3)).toEqual({ key: "a", start: 0n, count: 3, epoch: { hi: 0n, lo: 1n } });
    expect(await get(bench, "a", 1)).toMatchObject({ start: 3n });
    expect(await batch(bench, { key: "b", count: 2 }, { key: "a", count: 5 })).toEqual({
      grants: [
        { key: "b", start: 0n, count: 2 },
        { key: "a", start: 4n, count: 5 },
      ],
      epoch: { hi: 0n, lo: 1n },
    });
    expect(bench.count("tsoracle.get_seq.values_issued")).toBe(4);
    expect(bench.count("tsoracle.get_seq.batch.values_issued")).toBe(7);
  });

  it.each([
    ["an empty key", "", 1, /1 to 128 bytes/],
    ["a key of 129 bytes", `${"é".repeat(64)}x`, 1, /129 bytes/],
    ["a count of zero", "a", 0, /between 1 and the maximum \(65536\)/],
    ["a count above the maximum", "a", 65_537, /between 1 and the maximum \(65536\), got 65537/],
  ])("refuses %s and writes nothing", async (_what, key, count, message) => {
    const bench = await BenchOracle.serving();
    for (const work of [get(bench, key, count), batch(bench, { key: "ok", count: 1 }, { key, count })]) {
      const error = await refusal(work);
      expect(error.code).toBe(Code.INVALID_ARGUMENT);
      expect(error.message).toMatch(message);
    }
    expect(bench.driver.advance.calls).toEqual([]);
  });

  it("refuses a batch that is empty, too large or names a key twice", async () => {
    const bench = await BenchOracle.serving({ maxSeqBatchKeys: 2 });
    const one = (key: string) => ({ key, count: 1 });
    for (const entries of [[], [one("a"), one("b"), one("c")], [one("a"), one("a")]]) {
      expect((await refusal(batch(bench, ...entries))).code).toBe(Code.INVALID_ARGUMENT);
    }
    expect(bench.driver.advance.calls).toEqual([]);
  });

  it.each([
    ["transient", Code.UNAVAILABLE],
    ["uncertain", Code.UNAVAILABLE],
    ["seq_cardinality_exceeded", Code.RESOURCE_EXHAUSTED],
    ["seq_overflow", Code.FAILED_PRECONDITION],
    ["dense_not_activated", Code.FAILED_PRECONDITION],
    ["dense_batch_not_activated", Code.FAILED_PRECONDITION],
  ] as const)("answers %s with status %i, without a trailer, and advances once only", async (code, status) => {
    const bench = await BenchOracle.serving();
    bench.driver.advance.fail(code);
    const error = await refusal(get(bench, "a", 1));
    expect(error.code).toBe(status);
    expect(error.leaderHint).toBeUndefined();
    expect(bench.driver.advance.calls).toHaveLength(1);
    expect(bench.oracle.core.state.current.kind).toBe("serving");
    expect(bench.count("tsoracle.get_seq.cardinality_rejected.total")).toBe(
      code === "seq_cardinality_exceeded" ? 1 : 0,
    );
  });

  it.each([
    ["permanent", Code.INTERNAL],
    ["closed", Code.UNAVAILABLE],
  ] as const)("stops the server when the store says %s, as the grant path does", async (code, status) => {
    const bench = await BenchOracle.serving();
    bench.driver.advance.fail(code);
    expect(await refusal(get(bench, "a", 1))).toMatchObject({ code: status, leaderHint: undefined });
    expect(bench.oracle.core.state.current.kind).toBe("not_serving");
    expect(bench.stops).toMatchObject([{ code: "driver" }]);
  });

  it.each(["not_leader", "fenced"] as const)(
    "steps down and answers NOT_LEADER when the store says %s",
    async (code) => {
      const bench = await BenchOracle.serving();
      bench.driver.advance.fail(code, { currentEpoch: epoch(4n) });
      const error = await refusal(get(bench, "a", 1));
      expect(error.code).toBe(Code.FAILED_PRECONDITION);
      expect(Buffer.from(error.leaderHint ?? []).toString("hex")).toBe("12021004");
      expect(bench.oracle.core.state.current).toMatchObject({ kind: "not_serving", leaderEpoch: 4n });
      expect(bench.ask().error?.code).toBe(Code.FAILED_PRECONDITION);
    },
  );

  it("answers NOT_LEADER while it does not serve, before it looks at the request", async () => {
    const bench = new BenchOracle();
    for (const work of [get(bench, "", 0), batch(bench), bench.oracle.sequences.loadSeq({ key: "" })]) {
      expect((await refusal(work)).leaderHint).toEqual(new Uint8Array());
    }
  });

  it("answers UNIMPLEMENTED for a driver without sequences", async () => {
    const bench = await BenchOracle.serving({}, { features: { sequences: false } });
    expect((await refusal(get(bench, "a", 1))).code).toBe(Code.UNIMPLEMENTED);
    expect((await refusal(batch(bench, { key: "a", count: 1 }))).code).toBe(Code.UNIMPLEMENTED);
  });

  it("hands out what has landed although the reign has ended meanwhile: a gap would follow otherwise", async () => {
    const bench = await BenchOracle.serving();
    const held = bench.driver.advance.hold();
    const asked = get(bench, "a", 2);
    await held.called;
    bench.driver.tell({ role: "unknown" });
    await until("the end of the reign", () => bench.oracle.core.reign === undefined);
    held.release();
    expect(await asked).toMatchObject({ start: 0n, epoch: { hi: 0n, lo: 1n } });
  });

  it("answers INTERNAL when the driver answers with the wrong number of starts", async () => {
    const bench = await BenchOracle.serving();
    bench.driver.advance.plan(async () => []);
    expect((await refusal(get(bench, "a", 1))).code).toBe(Code.INTERNAL);
  });

  it("reads a counter without changing it, which resolves an advance of unknown outcome", async () => {
    const bench = await BenchOracle.serving();
    await get(bench, "a", 3);
    expect(await bench.oracle.sequences.loadSeq({ key: "a" })).toEqual({
      key: "a",
      next: 3n,
      epoch: { hi: 0n, lo: 1n },
    });
    expect(await bench.oracle.sequences.loadSeq({ key: "new" })).toMatchObject({ next: 0n });
    expect(parseSeqKey("new").ok).toBe(true);
    bench.tenure.isValid = false;
    expect((await refusal(bench.oracle.sequences.loadSeq({ key: "a" }))).leaderHint).toBeDefined();
  });

  it("refuses calls beyond the limit of those under way", async () => {
    const bench = await BenchOracle.serving({ limits: { maxPendingWrites: 1 } });
    const held = bench.driver.advance.hold();
    const first = get(bench, "a", 1);
    await held.called;
    expect((await refusal(get(bench, "b", 1))).code).toBe(Code.RESOURCE_EXHAUSTED);
    held.release();
    expect(await first).toMatchObject({ start: 0n });
    expect(await get(bench, "b", 1)).toMatchObject({ start: 0n });
  });
});
