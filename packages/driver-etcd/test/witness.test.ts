// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Witness } from "../src/client/witness.ts";
import type { ResponseHeader } from "../src/wire/messages.ts";

const header = (revision: bigint, clusterId = 7n): ResponseHeader => ({ clusterId, memberId: 1n, revision });

describe("L2, G2: what a process has seen of its cluster", () => {
  it("accepts the first cluster that answers, or the pinned one, and no other", () => {
    const first = new Witness(undefined);
    first.checkCluster(header(1n, 10n));
    expect(first.clusterId).toBe(10n);
    expect(() => first.checkCluster(header(2n, 11n))).toThrow(/this is etcd cluster b and not a/);
    expect(() => new Witness(7n).checkCluster(header(1n, 8n))).toThrow(/this is etcd cluster 8 and not 7/);
  });

  it("refuses an answer that is older than what was known before it was asked for", () => {
    const witness = new Witness(7n);
    witness.checkRevision(header(100n), 0n);
    expect(() => witness.checkRevision(header(99n), witness.revision)).toThrow(/went back from 100 to 99/);
    expect(witness.revision).toBe(100n);
  });

  it("accepts answers that overtake each other", () => {
    const witness = new Witness(7n);
    const before = witness.revision;
    witness.checkRevision(header(100n), before);
    expect(() => witness.checkRevision(header(99n), before)).not.toThrow();
    expect(witness.revision).toBe(100n);
  });
});
