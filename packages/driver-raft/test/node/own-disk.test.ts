// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { memberOf, ReplicaCluster, storageIdOf } from "./replica-cluster.ts";

describe("a node on a disk that is not the member's (I3)", () => {
  it("ends when it is told of the state, before it could vote for itself", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const member = { ...memberOf(4), storageId: "f".repeat(32) };
    cluster.join(4);
    cluster.change(leader, { type: "ConfChangeAddLearnerNode", id: 4, member });
    expect(() => cluster.tick(5)).toThrow(
      `the disk of this node was replaced: member 4 has storage ${"f".repeat(32)}, this is ${storageIdOf(4)}`,
    );
  });

  it("goes on when the disk is the one that was added", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const joined = cluster.join(4);
    const member = { ...memberOf(4), storageId: storageIdOf(4) };
    cluster.change(leader, { type: "ConfChangeAddLearnerNode", id: 4, member });
    cluster.tick(5);
    expect(joined.replica.machine.member(4)).toEqual(member);
  });
});
