// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ballotToEpoch, Reign } from "../src/index.ts";

const epochOf = (counter: number, slot: number): bigint =>
  ballotToEpoch({ counter: BigInt(counter), slot: BigInt(slot) });

function leading(): { readonly reign: Reign; readonly epoch: bigint } {
  const reign = new Reign({ id: "a", slot: 1n, fencerHighest: 0n, lastPersisted: 0n });
  const epoch = reign.campaign();
  reign.promised(epoch);
  return { reign, epoch };
}

describe("Reign", () => {
  it("ends when a higher epoch is heard of, and names its leader", () => {
    const { reign } = leading();
    reign.observed(epochOf(9, 2), "b");
    expect(reign.state).toEqual({ role: "standby", leader: "b" });
  });

  it("goes on when a lower epoch is heard of", () => {
    const { reign, epoch } = leading();
    reign.observed(epoch - 1n, "b");
    expect(reign.state).toEqual({ role: "leader", epoch });
  });

  it("campaigns above what it only heard of", () => {
    const { reign } = leading();
    reign.observed(epochOf(9, 2), "b");
    expect(reign.campaign()).toBe(epochOf(10, 1));
  });

  it("ends on an old refusal that names something above the present reign", () => {
    const { reign, epoch } = leading();
    const second = reign.campaign();
    reign.promised(second);
    reign.fenced(epoch, epochOf(9, 2));
    expect(reign.state).toEqual({ role: "standby" });
  });

  it("does not become leader by a promise that something newer has overtaken", () => {
    const reign = new Reign({ id: "a", slot: 1n, fencerHighest: 0n, lastPersisted: 0n });
    const epoch = reign.campaign();
    reign.observed(epochOf(9, 2));
    reign.promised(epoch);
    expect(reign.state.role).toBe("standby");
  });

  it("follows the newest leader it has heard of, not the latest to be mentioned", () => {
    const reign = new Reign({ id: "a", slot: 1n, fencerHighest: 0n, lastPersisted: 0n });
    reign.observed(epochOf(9, 2), "b");
    reign.observed(epochOf(8, 3), "c");
    expect(reign.state).toEqual({ role: "standby", leader: "b" });
  });

  it.each([-1n, 2n ** 64n])("refuses to have heard of %s", (outside) => {
    expect(() => leading().reign.observed(outside)).toThrow(RangeError);
    expect(() => leading().reign.fenced(1n, outside)).toThrow(RangeError);
  });

  it("mints every epoch above all that it has ever seen, and leads under no other", () => {
    const seen = fc.tuple(fc.nat(20), fc.nat(3)).map(([counter, slot]) => epochOf(counter, slot));
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("observed", "promised", "fenced"), epoch: seen }),
      fc.record({ kind: fc.constantFrom("campaign", "promise own"), epoch: fc.constant(0n) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), seen, (steps, before) => {
        const reign = new Reign({ id: "a", slot: 1n, fencerHighest: before, lastPersisted: 0n });
        const known = [before];
        const minted = new Set<bigint>();
        for (const { kind, epoch } of steps) {
          if (kind === "campaign") {
            const own = reign.campaign();
            for (const old of known) expect(own).toBeGreaterThan(old);
            known.push(own);
            minted.add(own);
          } else if (kind === "promise own") {
            if (reign.state.role === "candidate") reign.promised(reign.state.epoch);
          } else if (kind === "fenced") {
            reign.fenced(known.at(-1) ?? 0n, epoch);
            known.push(epoch);
          } else {
            if (kind === "observed") reign.observed(epoch, "b");
            else reign.promised(epoch);
            known.push(epoch);
          }
          if (reign.state.role === "leader") expect(minted).toContain(reign.state.epoch);
        }
      }),
    );
  });
});
