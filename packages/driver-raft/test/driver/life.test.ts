// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { physicalMs, type SeqKey } from "@tsoracle/core";
import { waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import type { RaftDriver } from "../../src/index.ts";
import type { OpenRaftDriver } from "../../src/node/driver.ts";
import { RaftNodes, stateOf } from "./raft-nodes.ts";

/** Short, because a node that is alone waits for nobody. */
const quick = { heartbeatMs: 20, electionMs: 200, opTimeoutMs: 5_000 };

const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

/** The codes of one call of each kind; every failure must be an error of the driver. */
async function codesOf(driver: RaftDriver): Promise<readonly (string | undefined)[]> {
  const key = "k" as SeqKey;
  const epoch = 1n as Parameters<RaftDriver["persistHighWater"]>[1];
  const calls = [
    driver.loadHighWater(),
    driver.persistHighWater(physicalMs(1), epoch),
    driver.sequences.load(key),
    driver.sequences.advance([{ key, count: 1 }], epoch),
    driver.leases.load(),
    driver.leases.replace([], epoch),
    driver.membership.members(),
    driver.membership.promote(2n),
    driver.membership.transfer(2n),
    driver.status(),
    driver.metrics(),
  ];
  return (await Promise.all(calls.map(errorOf))).map((error) =>
    error instanceof ConsensusError ? error.code : `no driver error: ${String(error)}`,
  );
}

describe("the life of a Raft driver", () => {
  it("is over once, however often it is disposed, and every call afterwards says so", async () => {
    await using nodes = await RaftNodes.format(1, quick);
    const driver = await nodes.open(1);
    await nodes.leader();
    const [first, second] = [driver[Symbol.asyncDispose](), driver[Symbol.asyncDispose]()];
    await Promise.all([first, second]);
    await driver[Symbol.asyncDispose]();
    expect(new Set(await codesOf(driver))).toEqual(new Set(["closed"]));
    expect(await stateOf(driver)).toBeUndefined();
    const again = await nodes.open(1);
    expect((await again.status()).bootCount).toBe(2);
  });

  it("ends with what its thread was doing when the thread ends, and every call afterwards rejects", async () => {
    await using nodes = await RaftNodes.format(3, quick);
    const driver = (await nodes.open(1)) as OpenRaftDriver;
    const waiting = errorOf(driver.loadHighWater());
    const stream = (async () => {
      for await (const _ of driver.leadershipEvents({ signal: new AbortController().signal }));
    })();
    const broken = errorOf(stream);
    await driver.terminate();
    expect(await waiting).toMatchObject({ code: "transient" });
    expect(await broken).toBeInstanceOf(ConsensusError);
    expect(new Set(await codesOf(driver))).toEqual(new Set(["transient"]));
    await driver[Symbol.asyncDispose]();
  });

  it("takes no part while first members are missing, says which, and leaves nobody waiting", async () => {
    await using nodes = await RaftNodes.format(3, { ...quick, opTimeoutMs: 300 });
    const driver = await nodes.open(1);
    const { role, missing } = await driver.status();
    expect([role, missing]).toEqual(["forming", [2, 3]]);
    expect(await errorOf(driver.loadHighWater())).toMatchObject({ code: "transient" });
    await nodes.open(2);
    await waitUntil("the first meeting", async () => (await driver.status()).missing.length === 1);
    expect((await driver.status()).role).toBe("forming");
    await nodes.open(3);
    expect((await nodes.leader()).state.epoch).toBeGreaterThan(0n);
  });

  it("ends its reign when it resigns with nobody to take over, and leads again in another epoch", async () => {
    await using nodes = await RaftNodes.format(1, quick);
    const driver = await nodes.open(1);
    const { state } = await nodes.leader();
    await driver.resign("test");
    expect(state.tenure?.valid()).toBe(false);
    expect(await errorOf(driver.persistHighWater(physicalMs(5), state.epoch))).toBeInstanceOf(ConsensusError);
    const next = await nodes.leader();
    expect(next.state.epoch).toBeGreaterThan(state.epoch);
    expect(await driver.persistHighWater(physicalMs(6), next.state.epoch)).toBe(6);
  });

  it("does not begin on a directory that is in use, and leaves the one that holds it alone", async () => {
    await using nodes = await RaftNodes.format(1, quick);
    const driver = await nodes.open(1);
    const second = await errorOf(nodes.open(1, { listen: "127.0.0.1:0" }));
    expect(second).toMatchObject({ code: "permanent", message: expect.stringContaining("holds") });
    nodes.drivers.set(1, driver);
    expect((await nodes.leader()).id).toBe(1);
  });

  it("does not begin where its address is taken, and lets go of the directory", async () => {
    await using nodes = await RaftNodes.format(3, quick);
    const [one, two] = nodes.members;
    if (one === undefined || two === undefined) throw new Error("three nodes have a first and a second");
    await nodes.open(1);
    const refused = await errorOf(nodes.open(2, { listen: one.peerEndpoint }));
    expect(refused).toMatchObject({ code: "permanent" });
    const opened = await nodes.open(2);
    expect((await opened.status()).nodeId).toBe(2);
  });

  it("does not begin on a directory that was never formatted", async () => {
    await using nodes = await RaftNodes.format(1, quick);
    const error = await errorOf(nodes.open(1, { directory: `${nodes.directory(1)}-other`, listen: "127.0.0.1:0" }));
    expect(error).toMatchObject({ code: "permanent" });
  });

  it("refuses what no node could read, and the cluster goes on", async () => {
    await using nodes = await RaftNodes.format(1, quick);
    const driver = await nodes.open(1);
    const { state } = await nodes.leader();
    const bad = errorOf(driver.sequences.advance([{ key: "k" as SeqKey, count: 0 }], state.epoch));
    expect(await bad).toMatchObject({ code: "permanent", message: expect.stringContaining("nothing was proposed") });
    expect(await driver.sequences.advance([{ key: "k" as SeqKey, count: 2 }], state.epoch)).toEqual([0n]);
  });
});
