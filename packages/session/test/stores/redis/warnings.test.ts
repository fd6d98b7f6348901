// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { passing } from "../../../src/stores/redis/node-facts.ts";
import { checkRedisOptions, type RedisJournalWarning } from "../../../src/stores/redis/options.ts";
import { Readmitter } from "../../../src/stores/redis/readmitter.ts";
import type { RedisNode } from "../../../src/stores/redis/redis-node.ts";
import { ManualTimers } from "../../manager/manual-timers.ts";

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

  it("go on without an async watcher that rejects", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    const nodes = ["redis://a:1", "redis://b:1", "redis://c:1"];
    const { onWarning } = checkRedisOptions({
      nodes,
      onWarning: async () => {
        throw new Error("the log is full");
      },
    });
    onWarning({ node: "a:1", message: "is empty" });
    // Node tells of unhandled rejections before the next immediate.
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  it("tell the first real failure of a filling, and not that another process was faster", async () => {
    const heard: RedisJournalWarning[] = [];
    const config = checkRedisOptions({
      nodes: ["redis://n0:1", "redis://n1:1", "redis://n2:1"],
      onWarning: (warning) => void heard.push(warning),
    });
    let reply = "BUSY";
    let begun = 0;
    const node = (label: string, lost: boolean): RedisNode =>
      ({
        label,
        hasVoted: true,
        objection: lost ? { ...passing("has restarted"), lost: "trust" } : undefined,
        facts: { info: new Map([["run_id", "r"]]), config: undefined, mark: { cid: "c", nid: label, st: "whole" } },
        inspect: async () => {},
        run: async ({ name }: { readonly name: string }) => {
          if (name !== "BEGIN") return [];
          begun += 1;
          return [Buffer.from(reply)];
        },
      }) as unknown as RedisNode;
    const timers = new ManualTimers();
    const nodes = [node("n0", false), node("n1", false), node("n2", true)];
    const readmitter = new Readmitter(nodes, config, { timers, chance: () => 1 });
    readmitter.look();
    const runs = async (count: number): Promise<void> => {
      timers.advance(10_000);
      while (begun < count) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    };
    await runs(1);
    await runs(2);
    expect(heard).toEqual([]);
    reply = "ALIEN";
    await runs(3);
    await runs(4);
    await readmitter.close();
    expect(heard).toMatchObject([{ node: "n2", message: expect.stringContaining("could not be filled again") }]);
  });
});
