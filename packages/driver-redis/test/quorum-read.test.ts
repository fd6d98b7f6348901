// SPDX-License-Identifier: Apache-2.0
import { majority } from "@tsoracle/quorum";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quorumRead } from "../src/quorum-read.ts";

describe("a quorum read", () => {
  it("is what a majority holds, whatever the unheard nodes hold, or open", () => {
    const cluster = fc.integer({ min: 1, max: 7 }).chain((n) =>
      fc.record({
        nodes: fc.array(fc.nat(4), { minLength: n, maxLength: n }),
        heard: fc.integer({ min: 0, max: n }),
      }),
    );
    fc.assert(
      fc.property(cluster, ({ nodes, heard }) => {
        const needed = majority(nodes.length);
        const read = quorumRead(nodes.slice(0, heard), nodes.length);
        // By trying: a value is acknowledged if a majority holds at least as much.
        const acknowledged = [0, 1, 2, 3, 4].filter((value) => nodes.filter((node) => node >= value).length >= needed);
        const largest = acknowledged.at(-1);
        if (read.kind === "known") expect(read.highWater).toBe(largest);
        else expect(heard).toBeLessThan(nodes.length);
      }),
    );
  });

  it("needs no more nodes than a majority when these agree", () => {
    expect(quorumRead([7, 7], 3)).toEqual({ kind: "known", highWater: 7 });
    expect(quorumRead([7, 7], 4)).toEqual({ kind: "open" });
  });

  it("does not return what a dead leader left on a minority", () => {
    expect(quorumRead([9, 7], 3)).toEqual({ kind: "open" });
    expect(quorumRead([9, 7, 7], 3)).toEqual({ kind: "known", highWater: 7 });
  });
});
