// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { newMessage } from "../../src/raft/types.ts";
import { Outbox } from "../../src/transport/outbox.ts";

const app = (index: number) => newMessage("MsgApp", { index });
const beat = (commit: number) => newMessage("MsgHeartbeat", { commit });

function drain(outbox: Outbox): string[] {
  const taken: string[] = [];
  for (let next = outbox.take(); next !== undefined; next = outbox.take()) {
    taken.push(`${next.type} ${next.index || next.commit}`);
  }
  return taken;
}

describe("what waits for a peer", () => {
  it("N7, X5: leaves in order, heartbeats first and only the newest of each kind", () => {
    const outbox = new Outbox();
    for (const message of [app(1), beat(7), app(2), beat(8), newMessage("MsgHeartbeatResp", { commit: 3 })]) {
      expect(outbox.offer(message)).toBe(true);
    }
    expect(outbox.size).toBe(4);
    expect(drain(outbox)).toEqual(["MsgHeartbeat 8", "MsgHeartbeatResp 3", "MsgApp 1", "MsgApp 2"]);
    expect(outbox.size).toBe(0);
  });

  it("N7: is bounded; what finds no room is dropped and said to be", () => {
    const outbox = new Outbox(2);
    expect([1, 2, 3].map((index) => outbox.offer(app(index)))).toEqual([true, true, false]);
    expect(outbox.offer(beat(1))).toBe(true);
    expect(outbox.dropped).toBe(1);
    expect(drain(outbox)).toEqual(["MsgHeartbeat 1", "MsgApp 1", "MsgApp 2"]);
  });

  it("gives back what is lost with the stream", () => {
    const outbox = new Outbox();
    outbox.offer(app(1));
    outbox.offer(newMessage("MsgSnap"));
    expect(outbox.clear().map(({ type }) => type)).toEqual(["MsgApp", "MsgSnap"]);
    expect(outbox.take()).toBeUndefined();
  });
});
