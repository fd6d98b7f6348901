// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { FrameReader, frame } from "../src/tcp-protocol.ts";

describe("FrameReader", () => {
  it("finds the same payloads however the bytes are cut", () => {
    const payloads = ["", "a", "bc".repeat(40)].map((text) => Buffer.from(text));
    const bytes = Buffer.concat(payloads.map(frame));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const reader = new FrameReader();
      const found = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((chunk) => [...reader.read(chunk)]);
      expect(found.map(String)).toEqual(payloads.map(String));
    }
  });
});
