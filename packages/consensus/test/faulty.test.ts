// SPDX-License-Identifier: Apache-2.0
import { epoch, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type FaultyDriver, type FaultyOptions, faulty, openMemoryDriver } from "../src/memory.ts";

const reign = epoch(1n);
const ms = physicalMs;

function open(options?: FaultyOptions): FaultyDriver {
  return faulty(openMemoryDriver(), options);
}

describe("faulty", () => {
  it("fails the next call with the code asked for, and writes nothing", async () => {
    const driver = open();
    driver.faults.failNext("transient");
    await expect(driver.persistHighWater(ms(5), reign)).rejects.toMatchObject({ code: "transient" });
    expect(await driver.loadHighWater()).toBe(0);
    expect(await driver.persistHighWater(ms(5), reign)).toBe(5);
  });

  it("fails the next call of one method and lets the others pass", async () => {
    const driver = open();
    driver.faults.failNext("permanent", { method: "persistHighWater", message: "the disk is gone" });
    expect(await driver.loadHighWater()).toBe(0);
    await expect(driver.persistHighWater(ms(5), reign)).rejects.toThrow("[permanent] the disk is gone");
  });

  it("fails several calls in the order in which they were planned", async () => {
    const driver = open();
    driver.faults.failNext("transient");
    driver.faults.failNext("uncertain");
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "uncertain" });
    expect(await driver.loadHighWater()).toBe(0);
  });

  it("loses the reply of the next write, which has landed, and of no read", async () => {
    const driver = open();
    driver.faults.loseReply();
    expect(await driver.loadHighWater()).toBe(0);
    await expect(driver.persistHighWater(ms(5), reign)).rejects.toMatchObject({ code: "uncertain" });
    expect(await driver.loadHighWater()).toBe(5);
    expect(await driver.persistHighWater(ms(5), reign)).toBe(5);
  });

  it("holds calls while it stalls and lets them through on release", async () => {
    const driver = open({ callTimeoutMs: 60_000 });
    const release = driver.faults.stall();
    const order: string[] = [];
    const held = driver.persistHighWater(ms(5), reign).then((stored) => order.push(`stored ${stored}`));
    await new Promise((resolve) => setImmediate(resolve));
    order.push("released");
    release();
    await held;
    expect(order).toEqual(["released", "stored 5"]);
  });

  it("holds only writes if told so", async () => {
    const driver = open({ callTimeoutMs: 60_000 });
    const release = driver.faults.stall("writes");
    const held = driver.persistHighWater(ms(5), reign);
    expect(await driver.loadHighWater()).toBe(0);
    release();
    expect(await held).toBe(5);
  });

  it("gives up a held call as uncertain, and the write lands later", async () => {
    const driver = open({ callTimeoutMs: 1 });
    const release = driver.faults.stall("writes");
    await expect(driver.persistHighWater(ms(5), reign)).rejects.toMatchObject({ code: "uncertain" });
    expect(await driver.loadHighWater()).toBe(0);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await driver.loadHighWater()).toBe(5);
  });

  it("lets a caller abort a held call, and the write lands later", async () => {
    const driver = open({ callTimeoutMs: 60_000 });
    const release = driver.faults.stall("writes");
    const cancel = new AbortController();
    const held = driver.persistHighWater(ms(5), reign, { signal: cancel.signal });
    const reason = new Error("enough");
    cancel.abort(reason);
    await expect(held).rejects.toBe(reason);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await driver.loadHighWater()).toBe(5);
  });

  it("hears a caller that aborts in the next turn, however long the process was not scheduled", async () => {
    const driver = open({ callTimeoutMs: 1 });
    driver.faults.stall("writes");
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    // From here on a timer that is due comes before the next turn.
    await turn();
    const cancel = new AbortController();
    const reason = new Error("enough");
    const held = expect(driver.persistHighWater(ms(5), reign, { signal: cancel.signal })).rejects.toBe(reason);
    const next = turn();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    await next;
    cancel.abort(reason);
    await held;
  });

  it("settles held calls at disposal, and never carries them out", async () => {
    const inner = openMemoryDriver();
    const driver = faulty(inner, { callTimeoutMs: 60_000 });
    driver.faults.stall();
    const held = driver.persistHighWater(ms(5), reign);
    const rejected = expect(held).rejects.toMatchObject({ code: "uncertain" });
    await driver[Symbol.asyncDispose]();
    await rejected;
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "closed" });
  });

  it("counts every call by method", async () => {
    const driver = open();
    await driver.loadHighWater();
    await driver.loadHighWater();
    await driver.leases?.load();
    expect(driver.faults.calls).toMatchObject({ loadHighWater: 2, "leases.load": 1, persistHighWater: 0 });
  });

  it("has what the driver has, and no more", () => {
    const driver = open();
    expect([driver.name, driver.capabilities.sequences]).toEqual(["memory", true]);
    expect([typeof driver.sequences, typeof driver.leases, typeof driver.resign]).toEqual([
      "object",
      "object",
      "function",
    ]);
    expect(driver.membership).toBeUndefined();
    const bare = openMemoryDriver();
    Object.defineProperty(bare, "sequences", { value: undefined });
    expect(faulty(bare).sequences).toBeUndefined();
  });
});
