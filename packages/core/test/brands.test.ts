// SPDX-License-Identifier: Apache-2.0
// The directives below are the tests: the type check of the tests fails where one of them is not needed.
import { describe, expect, it } from "vitest";
import {
  Allocator,
  EPOCH_ZERO,
  type Epoch,
  type PeerEndpoint,
  type PhysicalMs,
  peerEndpoint,
  physicalMs,
  type SeqKey,
} from "../src/index.ts";

describe("brands", () => {
  it("keep unchecked values out at compile time", () => {
    // @ts-expect-error a number is not proven to fit 46 bits
    const high: PhysicalMs = 5;
    // @ts-expect-error a bigint is not proven to fit 128 bits
    const reign: Epoch = 5n;
    // @ts-expect-error a string is not proven to be host:port
    const where: PeerEndpoint = "localhost:1";
    // @ts-expect-error a string is not proven to be a sequence key
    const key: SeqKey = "orders";
    // @ts-expect-error one proof is not another
    const wrong: SeqKey = peerEndpoint("localhost:1");
    expect([high, reign, where, key, wrong]).toHaveLength(5);
  });

  it("let checked values in, and out again as what they are", () => {
    const high: PhysicalMs = physicalMs(5);
    const plain: number = high;
    const text: string = peerEndpoint("localhost:1");
    expect([plain + 1, text.length]).toEqual([6, 11]);
  });

  it("do not survive arithmetic", () => {
    const allocator = new Allocator();
    // @ts-expect-error a sum may exceed 46 bits
    const commit = (): unknown => allocator.commitWindowExtension(physicalMs(5) + 1, EPOCH_ZERO);
    expect(commit()).toEqual({ outcome: "ignored", reason: "not_leader" });
  });
});
