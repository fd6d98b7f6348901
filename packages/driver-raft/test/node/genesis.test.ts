// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { decodeGenesis, encodeGenesis, genesisDigest, genesisSnapshot } from "../../src/node/genesis.ts";
import { MachineFormatError } from "../../src/node/machine/codec.ts";
import { Machine } from "../../src/node/machine/machine.ts";
import { memberOf } from "./replica-cluster.ts";

const three = [1, 2, 3].map(memberOf);

describe("the list of first members", () => {
  it("has one form, whatever the order it was given in, and names no storage", () => {
    const genesis = encodeGenesis(three);
    expect(encodeGenesis([...three].reverse())).toEqual(genesis);
    expect(decodeGenesis(genesis)).toEqual(three.map((member) => ({ ...member, storageId: undefined })));
  });

  it("has a digest of its own for each list, and none for a node that joins", () => {
    const lists = [
      three,
      three.slice(1),
      [...three.slice(1), { ...memberOf(1), clientEndpoint: memberOf(9).clientEndpoint }],
    ];
    expect(new Set(lists.map((list) => genesisDigest(encodeGenesis(list)))).size).toBe(3);
    const [list = []] = lists;
    expect(genesisDigest(encodeGenesis(list, 8))).not.toBe(genesisDigest(encodeGenesis(list, 7)));
    expect(genesisDigest(new Uint8Array())).toBe("");
    expect(decodeGenesis(new Uint8Array())).toEqual([]);
  });

  it("is refused with no member, with an id or an address twice, and with a bad one", () => {
    expect(() => encodeGenesis([])).toThrow(/at least one first member/);
    expect(() => encodeGenesis([memberOf(1), { ...memberOf(1), peerEndpoint: memberOf(2).peerEndpoint }])).toThrow(
      /member id 1 stands twice/,
    );
    expect(() => encodeGenesis([memberOf(1), { ...memberOf(2), peerEndpoint: memberOf(1).peerEndpoint }])).toThrow(
      /have the same peer address/,
    );
    expect(() => encodeGenesis([{ ...memberOf(1), id: 0 }])).toThrow(/expected a member id/);
  });

  it("cut short or with more behind it is refused", () => {
    const genesis = encodeGenesis(three);
    for (let length = 1; length < genesis.length; length++) {
      expect(() => decodeGenesis(genesis.subarray(0, length))).toThrow(MachineFormatError);
    }
    expect(() => decodeGenesis(Uint8Array.of(...genesis, 0))).toThrow(MachineFormatError);
  });

  it("makes the same beginning of every first member: all of them voters, nothing issued", () => {
    const snapshot = genesisSnapshot(encodeGenesis(three), 100);
    expect(genesisSnapshot(encodeGenesis([...three].reverse()), 100)).toEqual(snapshot);
    expect(snapshot.metadata.confState.voters).toEqual([1, 2, 3]);
    const machine = Machine.decode(snapshot.data);
    expect(machine.highWater).toBe(0);
    expect([...machine.members()].map(({ id }) => id)).toEqual([1, 2, 3]);
  });
});
