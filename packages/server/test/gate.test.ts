// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { parseListenAddress } from "../src/address.ts";
import { Admission } from "../src/admission.ts";
import { within } from "../src/deadline.ts";
import { Gate, Slot } from "../src/gate.ts";
import { StateCell } from "../src/serving-state.ts";
import { Code } from "../src/status.ts";
import { settle } from "./support/manual-time.ts";

describe("gate", () => {
  it("lets nobody in while it is closed, and closes only when everybody has left", async () => {
    const gate = new Gate();
    expect([gate.enter(), gate.enter()]).toEqual([true, true]);
    let drained = false;
    const closing = gate.close().then(() => {
      drained = true;
    });
    expect(gate.enter()).toBe(false);
    gate.leave();
    await settle();
    expect(drained).toBe(false);
    gate.leave();
    await closing;
    expect(gate.enter()).toBe(false);
    gate.open();
    expect(gate.enter()).toBe(true);
  });

  it("refuses that somebody leaves who is not inside", () => {
    expect(() => new Gate().leave()).toThrow(/invariant/);
  });
});

describe("slot", () => {
  it("is held by one at a time, in order of asking, also when one fails", async () => {
    const slot = new Slot();
    const order: string[] = [];
    let inside = 0;
    const take = (name: string, fail = false): Promise<void> =>
      slot.run(async () => {
        inside += 1;
        expect(inside).toBe(1);
        order.push(name);
        await settle();
        inside -= 1;
        if (fail) throw new Error(name);
      });
    const outcomes = await Promise.allSettled([take("a"), take("b", true), take("c")]);
    expect(order).toEqual(["a", "b", "c"]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(slot.taken).toBe(false);
  });

  it("is never free in between while somebody waits for it", async () => {
    const slot = new Slot();
    let taken = true;
    const first = slot.run(async () => undefined);
    const second = slot.run(async () => undefined);
    void first.then(() => {
      taken &&= slot.taken;
    });
    await second;
    expect(taken).toBe(true);
  });
});

describe("admission", () => {
  it("refuses beyond its limit, and admits again when one has left by failing", async () => {
    const admission = new Admission(1, "calls");
    const failing = admission.run(() => Promise.reject(new Error("x")));
    await expect(admission.run(async () => 1)).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    await expect(failing).rejects.toThrow("x");
    expect(await admission.run(async () => 2)).toBe(2);
  });
});

describe("state cell", () => {
  it("keeps a change that nobody reads, and shows a slow reader the newest", async () => {
    const cell = new StateCell();
    cell.publish({ kind: "serving", epoch: 1n as never });
    const stop = new AbortController();
    const reader = cell.read(stop.signal);
    expect((await reader.next()).value).toMatchObject({ kind: "serving" });
    cell.publish({ kind: "not_serving" });
    cell.publish({ kind: "serving", epoch: 2n as never });
    expect((await reader.next()).value).toMatchObject({ epoch: 2n });
    const waiting = reader.next();
    stop.abort();
    expect((await waiting).done).toBe(true);
  });
});

describe("deadline", () => {
  it("tells what was done in time from what was not; a failure is done", async () => {
    expect(await within(10_000, Promise.resolve())).toBe(true);
    expect(await within(10_000, Promise.reject(new Error("x")))).toBe(true);
    expect(await within(1, new Promise(() => undefined))).toBe(false);
  });
});

describe("listen address", () => {
  it("splits at the last colon and takes brackets off", () => {
    expect(parseListenAddress("localhost:0")).toEqual({ host: "localhost", port: 0 });
    expect(parseListenAddress("[::1]:50551")).toEqual({ host: "::1", port: 50_551 });
    expect(parseListenAddress({ host: "::", port: 1 })).toEqual({ host: "::", port: 1 });
    expect(() => parseListenAddress({ host: "a", port: 1.5 })).toThrow(/expected an address/);
  });
});
