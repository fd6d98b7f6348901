// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { snapshotJournal, snapshotOnly } from "../../src/index.ts";
import { refusalOf, say } from "./rig.ts";
import { twoNodes } from "./two-nodes.ts";

const backends = [snapshotOnly("m", 5), snapshotJournal("m", "m", 3)];

describe("what no recovery could read", () => {
  it.each(["", "n".repeat(257), "a\0b"])("is no successor: %j is refused, and the session goes on", async (node) => {
    for (const backend of backends) {
      const { a, b } = twoNodes({ backend });
      const session = await a.manager.open("room");
      await say(session, "one");
      expect(await refusalOf(session.handOff(node))).toMatchObject({ code: "id_invalid" });
      expect(await refusalOf(a.manager.close({ to: node }))).toMatchObject({ code: "id_invalid" });
      await say(session, "two");
      await session.close();
      expect((await b.manager.open("room")).state).toEqual(["one", "two"]);
    }
  });

  it("is no time: a clock with fractions is refused with every record, and the journal stays readable", async () => {
    const { a, clock, reader } = twoNodes();
    const session = await a.manager.open("room");
    await say(session, "one");
    clock.ms = 1_000.5;
    expect(await refusalOf(session.crash("bug"))).toMatchObject({ code: "number_out_of_range" });
    expect(await session.close()).toMatchObject({ released: false, cause: { code: "number_out_of_range" } });
    expect((await reader.inspect("room")).state).toEqual(["one"]);
  });
});

describe("options of a call", () => {
  it("are looked at before the owner at the time loses the session", async () => {
    const { a, b } = twoNodes();
    const session = await a.manager.open("room");
    const wrong = [
      { route: "\0" },
      { failoverAtMs: -1 },
      { failoverAtMs: 0.5 },
      { acknowledged: { epoch: 1n, seq: Number.NaN } },
      { acknowledged: { epoch: 0n, seq: 1 } },
    ];
    for (const options of wrong) {
      expect(await refusalOf(b.manager.takeover("room", options))).toBeInstanceOf(RangeError);
    }
    await say(session, "one");
    expect(await refusalOf(session.reconnect({ failoverAtMs: Number.NaN }))).toBeInstanceOf(RangeError);
    expect(session.seq).toBe(1);
  });

  it("cannot make closing a manager leave its sessions open", async () => {
    const { a } = twoNodes();
    const session = await a.manager.open("room");
    for (const options of [{ concurrency: Number.NaN }, { concurrency: 0 }, { deadlineMs: Number.NaN }]) {
      expect(await refusalOf(a.manager.close(options))).toMatchObject({ code: "number_out_of_range" });
    }
    expect(await refusalOf(session.close({ deadlineMs: -1 }))).toMatchObject({ code: "number_out_of_range" });
    expect([...(await a.manager.close()).keys()]).toEqual(["room"]);
  });
});
