// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asV2,
  type ConfChangeTransition,
  type ConfChangeType,
  confChangesFromString,
  confChangesToString,
  enterJoint,
  leaveJoint,
  newConfChange,
  newConfChangeV2,
} from "../../src/raft/conf-change.ts";
import { ConfChangeDecodeError, decodeConfChange, encodeConfChange } from "../../src/raft/confchange/codec.ts";

const types: ConfChangeType[] = [
  "ConfChangeAddNode",
  "ConfChangeRemoveNode",
  "ConfChangeUpdateNode",
  "ConfChangeAddLearnerNode",
];
const transitions: ConfChangeTransition[] = [
  "ConfChangeTransitionAuto",
  "ConfChangeTransitionJointImplicit",
  "ConfChangeTransitionJointExplicit",
];
const id = fc.maxSafeNat();
const context = fc.uint8Array({ maxLength: 200 });

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("membership: changes as bytes", () => {
  it("are the protobuf messages of raftpb, with zeroes written", () => {
    expect(hexOf(encodeConfChange(newConfChange("ConfChangeRemoveNode", 300)).data)).toBe("0800100118ac02");
    const v2 = newConfChangeV2({
      transition: "ConfChangeTransitionJointExplicit",
      changes: [{ type: "ConfChangeAddLearnerNode", nodeId: 4 }],
      context: Uint8Array.of(0xab),
    });
    expect(hexOf(encodeConfChange(v2).data)).toBe("0802120408031004" + "1a01ab");
  });

  it("carry no data for leaving a joint configuration, so that no limit refuses it", () => {
    const entry = encodeConfChange(undefined);
    expect(entry).toEqual({ type: "EntryConfChangeV2", data: new Uint8Array(0) });
    expect(leaveJoint(asV2(decodeConfChange(entry)))).toBe(true);
  });

  it("come back as they were", () => {
    const v1 = fc.record({ id, type: fc.constantFrom(...types), nodeId: id, context });
    const single = fc.record({ type: fc.constantFrom(...types), nodeId: id });
    const changes = fc.array(single, { maxLength: 20 });
    const v2 = fc.record({ transition: fc.constantFrom(...transitions), changes, context });
    fc.assert(
      fc.property(fc.oneof(v1, v2), (change) => {
        expect(decodeConfChange(encodeConfChange(change))).toEqual(change);
      }),
    );
  });

  it("ignore fields of later versions", () => {
    // Field 9 as a number, 10 as bytes, 11 as 8 bytes and 12 as 4 bytes around a node id.
    const data = Buffer.from("4801" + "5201ff" + "590102030405060708" + "1805" + "6501020304", "hex");
    expect(decodeConfChange({ type: "EntryConfChange", data })).toMatchObject({ nodeId: 5 });
  });

  it.each([
    ["a number that is cut off", "18", "ends inside a number"],
    ["bytes that are cut off", "22050102", "ends inside a field"],
    ["a node id above 2^53 - 1 (S6)", "188080808080808010", "above 2^53 - 1"],
    ["an endless number", "18ffffffffffffffffffff01", "longer than ten bytes"],
    ["a type that does not exist", "1004", "type must be below 4, got 4"],
    ["a field without a number", "0100", "number 0"],
    ["a kind of field that does not exist", "1f", "unknown kind of field 7"],
    ["eight bytes that are cut off", "59010203", "ends inside a field"],
  ])("are refused for %s", (_name, hex, message) => {
    const entry = { type: "EntryConfChange", data: Buffer.from(hex, "hex") } as const;
    expect(() => decodeConfChange(entry)).toThrow(ConfChangeDecodeError);
    expect(() => decodeConfChange(entry)).toThrow(message);
  });

  it("are never read from other entries, and never read as something else", () => {
    expect(() => decodeConfChange({ type: "EntryNormal", data: new Uint8Array(0) })).toThrow("EntryNormal");
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom("EntryConfChange", "EntryConfChangeV2"),
        (data, type) => {
          try {
            const change = decodeConfChange({ type, data });
            for (const { nodeId } of asV2(change).changes) expect(Number.isSafeInteger(nodeId)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(ConfChangeDecodeError);
          }
        },
      ),
    );
  });
});

describe("membership: kinds of changes", () => {
  const change = (transition: ConfChangeTransition, steps: string) =>
    newConfChangeV2({ transition, changes: confChangesFromString(steps) });

  it.each([
    ["ConfChangeTransitionAuto", "v1", false, false],
    ["ConfChangeTransitionAuto", "v1 v2", true, true],
    ["ConfChangeTransitionJointImplicit", "v1", true, true],
    ["ConfChangeTransitionJointExplicit", "v1", true, false],
    ["ConfChangeTransitionJointExplicit", "v1 v2", true, false],
  ] as const)("%s with %s: joint %s, left by itself %s", (transition, steps, joint, autoLeave) => {
    expect(enterJoint(change(transition, steps))).toEqual({ joint, autoLeave });
  });

  it("take a change without steps as a leave, whatever its context, unless it asks to enter", () => {
    expect(leaveJoint(newConfChangeV2({ context: Uint8Array.of(1) }))).toBe(true);
    expect(leaveJoint(change("ConfChangeTransitionJointExplicit", ""))).toBe(false);
    expect(leaveJoint(change("ConfChangeTransitionAuto", "u1"))).toBe(false);
  });

  it("are written and read as text", () => {
    expect(confChangesToString(confChangesFromString(" v1  l2 r3\nu40 "))).toBe("v1 l2 r3 u40");
    expect(confChangesFromString("")).toEqual([]);
    for (const text of ["x1", "v", "v-1", "v1.5", "v9007199254740992"]) {
      expect(() => confChangesFromString(text)).toThrow('as in "v1 l2 r3"');
    }
    expect(asV2(newConfChange("ConfChangeAddNode", 3, Uint8Array.of(7)))).toEqual({
      transition: "ConfChangeTransitionAuto",
      changes: [{ type: "ConfChangeAddNode", nodeId: 3 }],
      context: Uint8Array.of(7),
    });
  });
});
