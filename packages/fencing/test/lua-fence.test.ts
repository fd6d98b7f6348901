// SPDX-License-Identifier: Apache-2.0
import { useRedis } from "@tsoracle/test-services";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type EpochBits,
  epochToText,
  type FenceRecord,
  type FenceStore,
  LuaFence,
  type LuaFenceReply,
} from "../src/index.ts";
import { storeContract } from "./store-contract.ts";

const servers = useRedis({ beforeAll, afterAll }, 1);
let redis: Redis;

beforeAll(() => {
  const [server] = servers();
  if (server === undefined) throw new Error("one server was asked for");
  redis = new Redis(server.url, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on("error", () => {});
});
afterAll(() => {
  redis.disconnect();
});

class RedisFenceStore implements FenceStore {
  readonly #fence: LuaFence;
  readonly #key: string;

  constructor(fence: LuaFence, key: string) {
    this.#fence = fence;
    this.#key = key;
  }

  async load(): Promise<FenceRecord | undefined> {
    return this.#fence.readHeld(await redis.eval(this.#fence.loadScript(), 1, this.#key));
  }

  async raise(candidate: FenceRecord): Promise<FenceRecord> {
    const reply = await redis.eval(this.#fence.raiseScript(), 1, this.#key, ...this.#fence.argv(candidate));
    if (this.#fence.readReply(reply).kind === "passed") return candidate;
    const held = await this.load();
    if (held === undefined) throw new Error("refused by nobody");
    return held;
  }
}

const narrow = new LuaFence();
const odd = new LuaFence({ bits: 128, epochField: "e'\\]]", ownerField: "own\u00e9r \u{1f600}\n" });
storeContract("Redis, 64 bits", 64, (record) => new RedisFenceStore(narrow, record));
storeContract("Redis, 128 bits, odd field names", 128, (record) => new RedisFenceStore(odd, record));

const raise = async (key: string, epoch: bigint, owner: string): Promise<LuaFenceReply> =>
  narrow.readReply(await redis.eval(narrow.raiseScript(), 1, key, ...narrow.argv({ epoch, owner })));

const APPEND = "redis.call('RPUSH', KEYS[2], ARGV[3])\nreturn {tostring(redis.call('LLEN', KEYS[2]))}";

const append = async (key: string, epoch: bigint, owner: string, value: string): Promise<LuaFenceReply> =>
  narrow.readReply(
    await redis.eval(narrow.guardedScript(APPEND), 2, key, `${key}:list`, ...narrow.argv({ epoch, owner }), value),
  );

/** The comparison as one writes it at first. */
const AS_NUMBERS = "return {tostring(tonumber(ARGV[1]) == tonumber(ARGV[2]))}";

describe("LuaFence", () => {
  it("answers a raise as the rule does", async () => {
    expect([
      await raise("answers", 5n, "a"),
      await raise("answers", 5n, "a"),
      await raise("answers", 5n, "b"),
      await raise("answers", 4n, "b"),
    ]).toEqual([
      { kind: "passed", verdict: { ok: true, advanced: true }, rest: [] },
      { kind: "passed", verdict: { ok: true, advanced: false }, rest: [] },
      { kind: "refused", verdict: { ok: false, kind: "split_brain", currentOwner: "a" } },
      { kind: "refused", verdict: { ok: false, kind: "stale", current: 5n } },
    ]);
  });

  it("runs a guarded body only under the claim in force", async () => {
    const key = "guarded";
    expect(await append(key, 5n, "a", "before")).toEqual({ kind: "unpromised", current: undefined });
    await raise(key, 2n ** 53n + 1n, "a");
    const epoch = 2n ** 53n + 1n;
    expect(await append(key, epoch, "a", "one")).toMatchObject({ kind: "passed", rest: ["1"] });
    expect(await append(key, epoch - 1n, "a", "stale")).toMatchObject({ kind: "refused", verdict: { current: epoch } });
    expect(await append(key, epoch + 1n, "a", "above")).toEqual({ kind: "unpromised", current: epoch });
    expect(await append(key, epoch, "b", "split")).toMatchObject({
      verdict: { kind: "split_brain", currentOwner: "a" },
    });
    expect(await append(key, epoch, "a", "two")).toMatchObject({ rest: ["2"] });
    expect(await redis.lrange(`${key}:list`, 0, -1)).toEqual(["one", "two"]);
  });

  it("takes a body that answers nothing", async () => {
    await raise("silent", 5n, "a");
    const reply = await redis.eval(narrow.guardedScript(""), 1, "silent", ...narrow.argv({ epoch: 5n, owner: "a" }));
    expect(narrow.readReply(reply)).toEqual({ kind: "passed", verdict: { ok: true, advanced: false }, rest: [] });
  });

  it("tells apart what numbers of Lua confuse", async () => {
    const [a, b] = [epochToText(2n ** 53n, 64), epochToText(2n ** 53n + 1n, 64)];
    expect(await redis.eval(AS_NUMBERS, 0, a, b)).toEqual(["true"]);
    await raise("doubles", 2n ** 53n + 1n, "a");
    expect(await raise("doubles", 2n ** 53n, "a")).toMatchObject({ verdict: { kind: "stale" } });
  });

  it.each([
    "5",
    "0000000000000000000x",
    "99999999999999999999",
    "0x000000000000000005",
    "                   5",
    "-0000000000000000005",
  ])("refuses %j as an epoch, in the claim and in the store, and writes nothing", async (text) => {
    const claimed = await redis.eval(narrow.raiseScript(), 1, "malformed claim", text, "a");
    expect(() => narrow.readReply(claimed)).toThrow("[store_malformed]");
    expect(await redis.exists("malformed claim")).toBe(0);
    await redis.hset("malformed store", "fence_epoch", text, "fence_owner", "a");
    await expect(raise("malformed store", 9n, "b")).rejects.toThrow("[store_malformed]");
    expect(await redis.hget("malformed store", "fence_epoch")).toBe(text);
  });

  it.each([
    ["fence_epoch", epochToText(5n, 64)],
    ["fence_owner", "a"],
  ])("does not take a store with %s alone for an empty one", async (field, value) => {
    const key = `half ${field}`;
    await redis.hset(key, field, value);
    await expect(raise(key, 9n, "b")).rejects.toThrow("[store_malformed]");
    await expect(new RedisFenceStore(narrow, key).load()).rejects.toThrow("[store_malformed]");
  });

  it("is refused by a fence of another width instead of comparing with it", async () => {
    await raise("width", 5n, "a");
    const wide = new LuaFence({ bits: 128 });
    const reply = await redis.eval(wide.raiseScript(), 1, "width", ...wide.argv({ epoch: 9n, owner: "b" }));
    expect(() => wide.readReply(reply)).toThrow("[store_malformed]");
  });

  it.each(
    [null, "OK", [], ["NO"], ["STALE"], ["STALE", "5"], ["SPLIT", "x"], ["UNPROMISED", 5]].map((reply) => [reply]),
  )("does not understand %j", (reply) => expect(() => narrow.readReply(reply)).toThrow("[store_malformed]"));

  it.each([64, 128] satisfies EpochBits[])("refuses a claim outside %i bits before it is sent", (bits) => {
    const fence = new LuaFence({ bits });
    expect(() => fence.argv({ epoch: 2n ** BigInt(bits), owner: "a" })).toThrow(RangeError);
    expect(() => fence.argv({ epoch: 0n, owner: "" })).toThrow(RangeError);
  });
});
