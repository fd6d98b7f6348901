// SPDX-License-Identifier: Apache-2.0
import { peerEndpoint } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Machine } from "../../src/node/machine/machine.ts";
import { MOST_HEARD, PeerAddresses } from "../../src/node/peer-addresses.ts";
import { memberOf, storageIdOf } from "./replica-cluster.ts";

const machine = () => new Machine([1, 2, 3].map((id) => ({ ...memberOf(id), storageId: undefined })));
const hello = (nodeId: number, address: string) => ({ nodeId, peerEndpoint: address });

describe("where peers are reached", () => {
  it("prefers what this node was told, then the list of members, then what a peer says itself", () => {
    const state = machine();
    const addresses = new PeerAddresses(1, new Map([[2, "10.9.9.9:1"]]));
    expect(addresses.hear(hello(2, "10.0.0.1:1"), state)).toBe(false);
    expect(addresses.hear(hello(3, "10.0.0.1:1"), state)).toBe(false);
    expect(addresses.hear(hello(4, "10.0.0.4:1"), state)).toBe(true);
    expect(addresses.hear(hello(4, "10.0.0.5:1"), state)).toBe(false);
    expect(Object.fromEntries(addresses.all(state))).toEqual({
      2: "10.9.9.9:1",
      3: memberOf(3).peerEndpoint,
      4: "10.0.0.4:1",
    });
    state.addMember({ ...memberOf(4), storageId: storageIdOf(4) });
    expect(addresses.all(state).get(4)).toBe(memberOf(4).peerEndpoint);
  });

  it("forgets a peer that was removed, and believes nothing that is no address", () => {
    const state = machine();
    const addresses = new PeerAddresses(1, new Map());
    addresses.hear(hello(4, peerEndpoint("10.0.0.4:1")), state);
    state.removeMember(4);
    expect([...addresses.all(state).keys()]).toEqual([2, 3]);
    for (const [id, text] of [
      [4, "10.0.0.4:1"],
      [5, ""],
      [6, "nowhere"],
    ] as const) {
      expect(addresses.hear(hello(id, text), state)).toBe(false);
    }
  });

  it("believes only so many nodes that it does not know", () => {
    const [state, addresses] = [machine(), new PeerAddresses(1, new Map())];
    for (let id = 4; id < 100; id++) addresses.hear(hello(id, `10.0.0.${id}:1`), state);
    expect(addresses.all(state).size).toBe(2 + MOST_HEARD);
  });
});
