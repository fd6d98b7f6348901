// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { peerEndpoint } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { hostProcess } from "../../src/storage/host-process.ts";
import { LOCK_FILE } from "../../src/storage/lock.ts";
import { RaftNodes } from "./raft-nodes.ts";

/** The lock of a process in another container of this machine, of which nobody here can say whether it lives. */
function lockFromElsewhere(directory: string): void {
  const { bootId } = hostProcess();
  const holder = { pid: 1, bootId, startTime: "1", pidNamespace: "pid:[1]", token: "elsewhere" };
  writeFileSync(join(directory, LOCK_FILE), JSON.stringify(holder));
}

describe("what operators see of a node", { timeout: 30_000 }, () => {
  it("takes over a lock that cannot be looked up only when it is told to", async () => {
    await using nodes = await RaftNodes.format(1);
    lockFromElsewhere(nodes.directory(1));
    await expect(nodes.open(1)).rejects.toThrow(/\[locked\] process 1 of another container/);
    await nodes.open(1, { takeOverLock: true });
    expect((await nodes.leader()).id).toBe(1);
  });

  it("says who leads, and tells the same in numbers", async () => {
    await using nodes = await RaftNodes.format(3);
    await nodes.openAll();
    const { id, driver, state } = await nodes.leader();
    expect(await driver.membership.leader()).toBe(BigInt(id));
    const numbers = Object.fromEntries((await driver.metrics()).map(({ name, value }) => [name, value]));
    expect(numbers).toMatchObject({
      "tsoracle.raft.term": Number(state.epoch),
      "tsoracle.raft.leader": 1,
      "tsoracle.raft.voter": 1,
      "tsoracle.raft.peers.missing": 0,
      "tsoracle.raft.reigns.total": 1,
    });
    expect(numbers["tsoracle.raft.log.bytes"]).toBeGreaterThan(0);
  });

  it.each([
    ["no such member", 9n, "not_member"],
    ["a learner that has nothing yet", 4n, "not_caught_up"],
  ])("says which rule keeps it from promoting %s", async (_what, id, refusal) => {
    await using nodes = await RaftNodes.format(1);
    await nodes.open(1);
    const { driver } = await nodes.leader();
    const [peer, client] = [peerEndpoint("127.0.0.1:1"), peerEndpoint("127.0.0.1:2")];
    const added = { id: 4n, peerEndpoint: peer, clientEndpoint: client, storageId: "ab".repeat(16) };
    await driver.membership.addLearner(added);
    await expect(driver.membership.promote(id)).rejects.toMatchObject({ code: "permanent", refusal });
  });

  it("says that a leader cannot remove itself, and that the last voter cannot go", async () => {
    await using three = await RaftNodes.format(3);
    await three.openAll();
    const { id, driver } = await three.leader();
    await expect(driver.membership.remove(BigInt(id))).rejects.toMatchObject({ refusal: "leads" });
    await using one = await RaftNodes.format(1);
    await one.open(1);
    const last = (await one.leader()).driver;
    await expect(last.membership.remove(1n)).rejects.toMatchObject({ refusal: "would_lose_quorum" });
  });
});
