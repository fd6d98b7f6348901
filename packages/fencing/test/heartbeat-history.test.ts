// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { HeartbeatHistory } from "../src/heartbeat-history.ts";

function heardAt(...times: readonly number[]): HeartbeatHistory {
  const history = new HeartbeatHistory();
  for (const time of times) history.heard(time);
  return history;
}

describe("a member's heartbeats", () => {
  it("D20: one makes nobody live, regular ones do, and a silence of more than eight intervals ends it", () => {
    expect(heardAt().isLive(0)).toBe(false);
    expect(heardAt(0).isLive(1)).toBe(false);
    const regular = heardAt(0, 1_000, 2_000, 3_000);
    expect(regular.isLive(3_000)).toBe(true);
    expect(regular.isLive(3_000 + 8_000)).toBe(true);
    expect(regular.isLive(3_000 + 8_001)).toBe(false);
  });

  it("are measured by their own rhythm", () => {
    expect(heardAt(0, 100, 200).isLive(1_001)).toBe(false);
    expect(heardAt(0, 500, 2_000).isLive(10_000)).toBe(true);
    expect(heardAt(0, 500, 2_000).silence(10_000)).toBe(8);
  });

  it("that come late or twice change nothing", () => {
    const history = heardAt(0, 1_000);
    history.heard(1_000);
    history.heard(400);
    expect(history.silence(2_000)).toBe(1);
  });

  it("are forgotten when they are old, so that a new rhythm counts", () => {
    const history = heardAt(0, 60_000);
    for (let beat = 1; beat <= 200; beat++) history.heard(60_000 + beat * 10);
    expect(history.isLive(62_000 + 81)).toBe(false);
  });

  it("revive a member that comes back", () => {
    const history = heardAt(0, 1_000);
    expect(history.isLive(20_000)).toBe(false);
    history.heard(20_000);
    expect(history.isLive(20_001)).toBe(true);
  });

  it("do not take an hour of death for a rhythm", () => {
    const back = heardAt(0, 1_000, 2_000, 3_600_000, 3_601_000, 3_602_000);
    expect(back.isLive(3_602_001)).toBe(true);
    expect(back.isLive(3_602_000 + 30_000)).toBe(false);
  });

  it("find their rhythm although the first two came at once", () => {
    const paired = Array.from({ length: 100 }, (_, index) => [index * 1_000, index * 1_000 + 1]).flat();
    expect(heardAt(...paired).isLive(100_000)).toBe(true);
  });

  it("come at a time that is a number", () => {
    const history = heardAt(0, 1_000);
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => history.heard(time)).toThrow(/expected monotonic milliseconds, got/);
    }
    expect(history.isLive(2_000)).toBe(true);
  });

  it("have a limit above zero", () => {
    expect(() => new HeartbeatHistory(0)).toThrow(/above 0 mean intervals, got 0/);
  });
});
