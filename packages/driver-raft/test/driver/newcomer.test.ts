// SPDX-License-Identifier: Apache-2.0
import { peerEndpoint } from "@tsoracle/core";
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { formatRaftDirectory } from "../../src/index.ts";
import { RaftNodes } from "./raft-nodes.ts";

describe("a member that joined while another one was away", { timeout: 240_000 }, () => {
  it("leads that one too, although it had never heard of it and nobody named the address to it", async () => {
    await using nodes = await RaftNodes.format(3, { opTimeoutMs: 20_000 });
    await nodes.openAll();
    await nodes.leader();
    await nodes.close(3);
    const [port] = await freePorts(1);
    const listen = peerEndpoint(`127.0.0.1:${port}`);
    const { storageId } = formatRaftDirectory({ directory: nodes.directory(4), clusterId: "test", nodeId: 4 });
    const peers = Object.fromEntries(nodes.members.map((member) => [member.id, member.peerEndpoint]));
    const { driver } = await nodes.leader();
    await driver.membership.addLearner({
      id: 4n,
      peerEndpoint: listen,
      clientEndpoint: peerEndpoint("127.0.0.1:50004"),
      storageId,
    });
    await nodes.open(4, { listen, peers });
    await waitUntil("node 4 to be promoted", () =>
      driver.membership.promote(4n).then(
        () => true,
        () => false,
      ),
    );
    const leads = async (id: number): Promise<boolean> => {
      const leader = await nodes.leader();
      // A busy machine may lose an election in between, so it is asked again until it is so.
      if (leader.id !== id) await leader.driver.membership.transfer(BigInt(id)).catch(() => {});
      return leader.id === id;
    };
    await waitUntil("node 4 to lead", () => leads(4), { timeoutMs: 60_000 });
    const third = await nodes.open(3);
    const follows = async (): Promise<boolean> => {
      if ((await third.status()).leader === 4) return true;
      await leads(4);
      return false;
    };
    await waitUntil("node 3 to follow node 4", follows, { timeoutMs: 60_000 });
    // Whoever lists the members has asked the leader, which a node without its address cannot.
    await waitUntil(
      "node 3 to ask node 4",
      () =>
        third.membership.members().then(
          (members) => members.some(({ id }) => id === 4n),
          () => false,
        ),
      { timeoutMs: 60_000 },
    );
    expect((await third.status()).connectedPeers).toContain(4);
  });
});
