// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type Tenure } from "@tsoracle/consensus";
import { epoch } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Reign } from "../src/reign.ts";
import { Code } from "../src/status.ts";
import { BenchOracle } from "./support/bench-oracle.ts";
import { settle, until } from "./support/manual-time.ts";

describe("tenure", () => {
  it("answers NOT_LEADER with an empty hint when the tenure has ended, and burns what was allocated", async () => {
    const bench = await BenchOracle.serving();
    bench.tenure.isValid = false;
    const refused = bench.ask(10);
    expect(refused.error).toMatchObject({ code: Code.FAILED_PRECONDITION, message: "not leader" });
    expect(refused.error?.leaderHint).toEqual(new Uint8Array());
    bench.tenure.isValid = true;
    expect(bench.ask().grant?.logicalStart).toBe(10);
  });

  it("looks once per turn, after the last request was read", async () => {
    const bench = await BenchOracle.serving();
    const looksBefore = bench.tenure.looks;
    const readsBefore = bench.clock.reads;
    const asked = Array.from({ length: 100 }, () => bench.submit());
    expect(bench.tenure.looks).toBe(looksBefore);
    bench.timers.endTurn();
    expect(asked.every(({ grant }) => grant !== undefined)).toBe(true);
    expect(bench.tenure.looks).toBe(looksBefore + 1);
    expect(bench.clock.reads).toBe(readsBefore + 1);
  });

  it("looks again after a request has waited for the store", async () => {
    const bench = await BenchOracle.serving();
    const held = bench.driver.persist.hold();
    bench.clock.ms += 60_000;
    const asked = bench.ask();
    await held.called;
    bench.tenure.isValid = false;
    held.release();
    await settle();
    bench.timers.endTurn();
    expect(asked.error?.leaderHint).toEqual(new Uint8Array());
  });

  it("takes a tenure that cannot say for one that has ended", async () => {
    const bench = new BenchOracle();
    bench.oracle.start();
    const broken: Tenure = {
      valid: () => {
        throw new Error("no clock");
      },
    };
    bench.driver.lead(1n, broken);
    await until("serving", () => bench.oracle.core.reign !== undefined);
    expect(bench.ask().error?.code).toBe(Code.FAILED_PRECONDITION);
  });

  it("refuses a leader without the tenure that its capabilities promise", async () => {
    for (const [realTimeOrder, tenure] of [
      ["lease", undefined],
      ["confirm", undefined],
      ["confirm", { valid: () => true }],
    ] as const) {
      const bench = new BenchOracle({}, { capabilities: { realTimeOrder } });
      bench.oracle.start();
      bench.driver.tell({ role: "leader", epoch: epoch(1n), tenure });
      await until("a stop", () => bench.stops.length > 0);
      expect(bench.stops[0]).toMatchObject({ code: "driver_contract" });
      expect(bench.oracle.core.reign).toBeUndefined();
    }
  });

  it("needs none where nobody else can ever serve", async () => {
    const bench = new BenchOracle({}, { capabilities: { realTimeOrder: "exclusive" } });
    bench.oracle.start();
    bench.driver.tell({ role: "leader", epoch: epoch(0n) });
    await until("serving", () => bench.oracle.core.reign !== undefined);
    expect(bench.ask().grant?.epoch).toBe(0n);
  });

  it("would be caught answering late: the same run without the look hands timestamps out", async () => {
    // The mutant: a server that believes every tenure. What the first test refuses, it answers.
    const bench = await BenchOracle.serving();
    const look = Reign.prototype.mayAnswer;
    Reign.prototype.mayAnswer = () => true;
    try {
      bench.tenure.isValid = false;
      expect(bench.ask().grant).toBeDefined();
    } finally {
      Reign.prototype.mayAnswer = look;
    }
  });
});

describe("confirm mode", () => {
  const CONFIRM = { capabilities: { realTimeOrder: "confirm" }, confirm: true } as const;

  it("answers after a round that began after the request came", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    const first = bench.tenure.confirmations.hold();
    const early = bench.ask();
    await first.called;
    const late = bench.ask();
    expect(early.settled).toBe(false);
    const second = bench.tenure.confirmations.hold();
    first.answer(true);
    await until("the first answer", () => early.settled);
    expect(early.grant?.logicalStart).toBe(0);
    // The late one did not join the round that was in flight.
    expect(late.settled).toBe(false);
    bench.timers.endTurn();
    await second.called;
    second.answer(true);
    await until("the second answer", () => late.settled);
    expect(late.grant?.logicalStart).toBe(1);
    expect(bench.tenure.confirmations.calls).toHaveLength(2);
  });

  it("makes one round for all requests of a turn", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    const asked = Array.from({ length: 20 }, () => bench.submit());
    bench.timers.endTurn();
    await until("the answers", () => asked.every(({ grant }) => grant !== undefined));
    expect(bench.tenure.confirmations.calls).toHaveLength(1);
  });

  it("steps down and burns the range when another reign has begun", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    bench.tenure.confirmations.plan(async () => false);
    const asked = bench.ask();
    await until("a refusal", () => asked.settled);
    expect(asked.error?.leaderHint).toEqual(new Uint8Array());
    expect(bench.oracle.core.state.current.kind).toBe("not_serving");
    expect(bench.count("tsoracle.not_leader.total")).toBe(1);
  });

  it("looks at the tenure and the reign again after the round", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    const held = bench.tenure.confirmations.hold();
    const paused = bench.ask();
    await held.called;
    bench.tenure.isValid = false;
    held.answer(true);
    await until("a refusal", () => paused.settled);
    expect(paused.error?.code).toBe(Code.FAILED_PRECONDITION);

    bench.tenure.isValid = true;
    const second = bench.tenure.confirmations.hold();
    const deposed = bench.ask();
    await second.called;
    bench.driver.lead(2n, bench.tenure);
    await until("the next reign", () => bench.oracle.core.reign?.epoch === 2n);
    // Refused when its reign ended; that the old round then succeeds changes nothing.
    expect(deposed.error?.code).toBe(Code.FAILED_PRECONDITION);
    second.answer(true);
    await settle();
    expect(deposed.grant).toBeUndefined();
  });

  it("lets the next reign answer while a round of the last one hangs", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    const hung = bench.tenure.confirmations.hold();
    const deposed = bench.ask();
    await hung.called;
    bench.driver.lead(2n, bench.tenure);
    await until("the next reign", () => bench.oracle.core.reign?.epoch === 2n);
    const asked = bench.ask();
    await until("an answer", () => asked.settled);
    expect(asked.grant?.epoch).toBe(2n);
    hung.answer(false);
    await settle();
    // What the old round says is about the old reign.
    expect(bench.oracle.core.reign?.epoch).toBe(2n);
    expect(deposed.grant).toBeUndefined();
  });

  it("keeps the round of the present reign by itself when one of the last reign ends late", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    const old = bench.tenure.confirmations.hold();
    bench.ask();
    await old.called;
    bench.driver.lead(2n, bench.tenure);
    await until("the next reign", () => bench.oracle.core.reign?.epoch === 2n);
    const present = bench.tenure.confirmations.hold();
    const first = bench.ask();
    await present.called;
    const second = bench.submit();
    old.answer(true);
    await settle();
    bench.timers.endTurn();
    await settle();
    expect(bench.tenure.confirmations.calls).toHaveLength(2);
    present.answer(true);
    await until("the answers", () => {
      bench.timers.endTurn();
      return first.settled && second.settled;
    });
    expect([first.grant?.logicalStart, second.grant?.logicalStart]).toEqual([0, 1]);
  });

  it("confirms an answer from the lease table without holding up a window extension", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    const request = { holder: Buffer.of(1), holderEpoch: 1n, ttlMs: 5_000n };
    const lease = await bench.oracle.leases.acquire(request);
    const hung = bench.tenure.confirmations.hold();
    const again = bench.oracle.leases.acquire(request);
    await hung.called;
    bench.clock.ms += 60_000;
    const asked = bench.ask();
    await until("an answer", () => {
      bench.timers.endTurn();
      return asked.settled;
    });
    expect(asked.grant?.physicalMs).toBe(1_060_000);
    hung.answer(true);
    expect(await again).toEqual(lease);
  });

  it("answers UNAVAILABLE when the round fails for now, and goes on", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    bench.tenure.confirmations.plan(() => Promise.reject(new ConsensusError("transient", "no quorum")));
    const refused = bench.ask();
    await until("a refusal", () => refused.settled);
    expect(refused.error?.code).toBe(Code.UNAVAILABLE);
    const served = bench.ask();
    await until("an answer", () => served.settled);
    expect(served.grant?.logicalStart).toBe(1);
  });

  it("steps down when the round says fenced", async () => {
    const bench = await BenchOracle.serving({}, CONFIRM);
    bench.tenure.confirmations.plan(() =>
      Promise.reject(new ConsensusError("fenced", "newer", { currentEpoch: epoch(3n) })),
    );
    const refused = bench.ask();
    await until("a refusal", () => refused.settled);
    expect(bench.oracle.core.state.current).toMatchObject({ kind: "not_serving", leaderEpoch: 3n });
  });
});
