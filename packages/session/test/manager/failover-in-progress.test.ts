// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type OwnedSession, snapshotOnly } from "../../src/index.ts";
import type { Word, Words } from "./game.ts";
import { refusalOf, say } from "./rig.ts";
import { type TwoNodes, twoNodes } from "./two-nodes.ts";

describe("a session between takeover and reconnect", () => {
  it("still takes no entries where the restart was not written", async () => {
    const { a, b, faults } = twoNodes();
    await say(await a.manager.open("room"), "one");
    const taken = await b.manager.takeover("room", { reconnect: false });
    faults.failNext("transient", { method: "append" });
    expect(await refusalOf(taken.restart())).toMatchObject({ code: "transient" });
    expect(await refusalOf(taken.append("two"))).toMatchObject({ code: "not_live" });
    await taken.reconnect();
    await say(taken, "two");
    // one, restarted, reconnected, two
    expect(taken.seq).toBe(4);
  });

  const lostThree = async (): Promise<TwoNodes & { readonly taken: OwnedSession<Words, Word> }> => {
    const there = twoNodes({ backend: snapshotOnly("m", 5), maxDataLossEvents: 0 });
    const session = await there.a.manager.open("room");
    await say(session, "one", "two", "three");
    session.abandon();
    there.clock.ms = 2_000;
    const options = { reconnect: false, acknowledged: { epoch: 1n, seq: 3 }, failoverAtMs: 1_500 };
    return { ...there, taken: await there.b.manager.takeover("room", options) };
  };

  it.each([false, true])(
    "reports the loss of the takeover also after a crash (restarted before: %s)",
    async (first) => {
      const { taken, clock } = await lostThree();
      if (first) await taken.restart();
      clock.ms = 2_100;
      await taken.crash("bug");
      await taken.crash("again");
      clock.ms = 2_200;
      const report = { reconnectLatencyMs: 700, estimatedDataLossEvents: 3, met: false, loss: "exact" };
      expect(await taken.reconnect()).toEqual(report);
    },
  );

  it("does not go to a successor that would report no loss", async () => {
    const { taken, a } = await lostThree();
    expect(await taken.close()).toMatchObject({ released: false, snapshot: false, cause: { code: "not_live" } });
    const next = await a.manager.takeover("room");
    expect(next.continuity).toMatchObject({ estimatedDataLossEvents: 4, loss: "at_most", met: false });
  });

  it("is let go where nothing can be lost", async () => {
    const { a, b } = twoNodes();
    const session = await a.manager.open("room");
    await say(session, "one");
    session.abandon();
    await (await b.manager.takeover("room", { reconnect: false })).close();
    expect((await a.manager.open("room")).continuity).toMatchObject({ estimatedDataLossEvents: 0, loss: "exact" });
  });
});

describe("a crash", () => {
  it("counts from when it was marked, also where that became certain only later", async () => {
    const { a, clock, faults } = twoNodes({ limits: { settleAttempts: 0 } });
    const session = await a.manager.open("room");
    faults.failNext("uncertain", { method: "append" });
    expect(await refusalOf(session.crash("bug"))).toMatchObject({ code: "uncertain" });
    clock.ms = 1_700;
    expect(await session.settle()).toBe("written");
    expect(await session.reconnect()).toMatchObject({ reconnectLatencyMs: 700 });
  });
});
