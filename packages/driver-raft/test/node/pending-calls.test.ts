// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { epoch, physicalMs } from "@tsoracle/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PendingCalls } from "../../src/node/pending-calls.ts";
import type { Request } from "../../src/node/thread-protocol.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function calls() {
  const told: Request[] = [];
  const pending = new PendingCalls((request) => told.push(structuredClone(request)), 50);
  const write = (number = 4n) =>
    pending.start((id) => ({ kind: "advance", id, atLeast: physicalMs(1), epoch: epoch(number) }), "write");
  const read = () => pending.start((id) => ({ kind: "loadHighWater", id }), "read");
  return { told, pending, write, read };
}

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  const error: unknown = await call.then(
    () => new Error("it was fulfilled"),
    (reason: unknown) => reason,
  );
  return error instanceof ConsensusError ? error.code : String(error);
};

describe("calls of the consensus thread", () => {
  it("end each with its own answer, whatever the order", async () => {
    const { pending, write, read } = calls();
    const [first, second] = [write(), read()];
    pending.value(2, 7n);
    pending.answered(1, { ok: true, outcome: { kind: "advanced", highWater: physicalMs(9) } }, 4);
    expect(await second).toBe(7n);
    expect(await first).toEqual({ kind: "advanced", highWater: 9 });
  });

  it("that nobody answers in time are uncertain for a write and transient for a read, and are forgotten", async () => {
    const { told, pending, write, read } = calls();
    const codes = Promise.all([codeOf(write()), codeOf(read())]);
    await vi.advanceTimersByTimeAsync(50);
    expect(await codes).toEqual(["uncertain", "transient"]);
    expect(told.slice(2)).toEqual([
      { kind: "forget", id: 1 },
      { kind: "forget", id: 2 },
    ]);
    pending.value(2, 7n);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ["not_leader", 3n, "fenced"],
    ["not_leader", 4n, "not_leader"],
    ["transient", 4n, "transient"],
    ["uncertain", 4n, "uncertain"],
    ["refused", 4n, "permanent"],
  ] as const)("refused as %s in epoch %s of term 4 fail as %s", async (code, number, expected) => {
    const { pending, write } = calls();
    const call = codeOf(write(number));
    pending.answered(1, { ok: false, refusal: { code, message: "why" } }, 4);
    expect(await call).toBe(expected);
  });

  it("never say permanent of a write that the thread may have carried out before it died", async () => {
    const { pending, write, read } = calls();
    const codes = Promise.all([codeOf(write()), codeOf(read())]);
    pending.fail(new ConsensusError("permanent", "the thread died"));
    expect(await codes).toEqual(["uncertain", "permanent"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("fail as errors of the driver when they cannot be told to another thread, and leave no timer", async () => {
    const { told, pending } = calls();
    const entries = [{ key: "a", count: () => 1 }] as never;
    const call = pending.start((id) => ({ kind: "sequences", id, entries, epoch: epoch(4n) }), "write");
    expect(await codeOf(call)).toBe("permanent");
    expect(told).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
