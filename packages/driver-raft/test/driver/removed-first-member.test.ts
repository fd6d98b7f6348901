// SPDX-License-Identifier: Apache-2.0
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { RaftNodes } from "./raft-nodes.ts";

describe("a first member that is removed before another one has met it", { timeout: 240_000 }, () => {
  it("M6: is waited for until the others say that it was removed, and then that one takes part", async () => {
    await using nodes = await RaftNodes.format(5, { opTimeoutMs: 20_000 });
    const [deadPort] = await freePorts(1);
    const nobody = `127.0.0.1:${deadPort}`;
    const third = await nodes.open(3, { peers: { 4: nobody } });
    await nodes.open(4, { peers: { 3: nobody } });
    await Promise.all([1, 2, 5].map((id) => nodes.open(id)));
    await nodes.leader();
    await waitUntil("node 3 to wait for node 4 alone", async () => `${(await third.status()).missing}` === "4");
    expect(await third.status()).toMatchObject({ role: "forming", applied: 1 });
    const removed = async (): Promise<boolean> => {
      const { id, driver } = await nodes.leader();
      // A busy machine may lose an election in between, so it is asked again until it is so.
      const done = id === 4 ? driver.membership.transfer(1n) : driver.membership.remove(4n, { force: true });
      return done.then(
        () => id !== 4,
        () => false,
      );
    };
    await waitUntil("node 4 to be removed", removed, { timeoutMs: 60_000 });
    const takesPart = async (): Promise<boolean> => {
      const { missing, applied, role } = await third.status();
      return missing.length === 0 && applied > 1 && role !== "forming";
    };
    await waitUntil("node 3 to take part", takesPart, { timeoutMs: 60_000 });
    const members = await waitUntil(
      "node 3 to list the members",
      () =>
        third.membership.members().then(
          (list) => list.map(({ id }) => id),
          () => undefined,
        ),
      { timeoutMs: 60_000 },
    );
    expect(members).toEqual([1n, 2n, 3n, 5n]);
  });
});
