// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fenceHttpAnswer, OwnedEpochFencer, readEpochHeader } from "../src/index.ts";

describe("the HTTP form of the fence", () => {
  it("D14 accepts 5, answers 3 with 409 and both epochs, and accepts 5 again", () => {
    const gate = new OwnedEpochFencer();
    const ship = (header: string | undefined): object => {
      const read = readEpochHeader(header);
      return read.ok ? fenceHttpAnswer(read.epoch, gate.check(read.epoch, "leader")) : read.answer;
    };
    expect([ship("5"), ship("3"), ship("5")]).toEqual([
      { status: 202, body: { epoch: "5" } },
      { status: 409, body: { error: "stale", epoch: "3", current: "5" } },
      { status: 202, body: { epoch: "5" } },
    ]);
    expect(ship(undefined)).toMatchObject({ status: 400, body: { error: "epoch_missing" } });
    expect(gate.held).toEqual({ epoch: 5n, owner: "leader" });
  });

  it.each(["", " ", "x", "-1", "+5", "05", "5.0", "5e1", "0x5", "5,5", "18446744073709551616", "9".repeat(5_000)])(
    "does not read %j as an epoch, least of all as 0",
    (header) => expect(readEpochHeader(header)).toMatchObject({ ok: false, answer: { status: 400 } }),
  );

  it("does not choose between two headers", () => {
    expect(readEpochHeader(["5", "6"])).toMatchObject({ ok: false, answer: { status: 400 } });
  });

  it("reads every epoch exactly", () => {
    expect(readEpochHeader("18446744073709551615")).toEqual({ ok: true, epoch: 2n ** 64n - 1n });
    expect(readEpochHeader((2n ** 128n - 1n).toString(), 128)).toEqual({ ok: true, epoch: 2n ** 128n - 1n });
  });

  it("names the owner of a split brain", () => {
    expect(fenceHttpAnswer(5n, { ok: false, kind: "split_brain", currentOwner: "a" })).toEqual({
      status: 409,
      body: { error: "split_brain", epoch: "5", current: "5", owner: "a" },
    });
  });

  it("survives JSON without rounding", () => {
    const answer = fenceHttpAnswer(2n ** 53n, { ok: false, kind: "stale", current: 2n ** 53n + 1n });
    expect(JSON.parse(JSON.stringify(answer.body))).toEqual({
      error: "stale",
      epoch: "9007199254740992",
      current: "9007199254740993",
    });
  });
});
