// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { checkRedisOptions, type RedisJournalWarning } from "../../../src/stores/redis/options.ts";

describe("warnings of Redis journals", () => {
  it("reach whoever watches, and go on without one who throws", () => {
    const heard: RedisJournalWarning[] = [];
    const nodes = ["redis://a:1", "redis://b:1", "redis://c:1"];
    const { onWarning } = checkRedisOptions({
      nodes,
      onWarning: (warning) => {
        heard.push(warning);
        throw new Error("the log is full");
      },
    });
    const warning = { node: "a:1", message: "is empty" };
    expect(() => onWarning(warning)).not.toThrow();
    expect(heard).toEqual([warning]);
  });
});
