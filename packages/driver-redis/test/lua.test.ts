// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { PHYSICAL_MS_MAX } from "@tsoracle/core";
import { useRedis } from "@tsoracle/test-services";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Ballot, NO_BALLOT } from "../src/ballot.ts";
import { ADMIT, CLAIM, type LuaScript, PERSIST, PREPARE, RELEASE, STATUS } from "../src/lua.ts";
import { readPersist, readPrepare, readRelease, readStatus } from "../src/replies.ts";
import { ModelNode } from "./model-node.ts";

vi.setConfig({ testTimeout: 60_000 });

const servers = useRedis({ beforeAll, afterAll }, 1);
/** Long enough that no dampener runs out during a test. */
const TENURE = 600_000;
let redis: Redis;
let key: string;

beforeAll(() => {
  redis = new Redis(servers()[0]?.url ?? "", { stringNumbers: true });
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  key = `{tso:lua-${randomUUID()}}:reg`;
  await format();
});

function run(script: LuaScript, ...args: readonly (string | number)[]): Promise<unknown> {
  return redis.eval(script.text, 1, key, ...args.map(String));
}

async function format(highWater = 0, tenure = TENURE): Promise<void> {
  await redis.del(key);
  await run(CLAIM, "claim");
  expect(
    await run(
      ADMIT,
      "claim",
      "cid",
      "nid",
      "rid",
      NO_BALLOT,
      "",
      "",
      highWater,
      tenure,
      3,
      "lease",
      100_000,
      "aof-always",
    ),
  ).toEqual(["OK"]);
}

const id = ["cid", "nid", ""] as const;
const prepare = (epoch: Ballot, holder: string): Promise<unknown> => run(PREPARE, ...id, epoch, holder, "host:1");
const persist = (epoch: Ballot, holder: string, value: number | string): Promise<unknown> =>
  run(PERSIST, ...id, epoch, holder, "host:1", value);
const release = (epoch: Ballot, holder: string, clean: boolean): Promise<unknown> =>
  run(RELEASE, ...id, epoch, holder, clean ? "1" : "0");
const status = (): Promise<unknown> => run(STATUS, ...id);

describe("the scripts", () => {
  it("keep a high-water of 2^46-1 digit by digit, and refuse one more", async () => {
    const epoch = ballot(1n);
    expect(await persist(epoch, "a", PHYSICAL_MS_MAX - 1)).toEqual(["OK", "70368744177662"]);
    expect(await persist(epoch, "a", PHYSICAL_MS_MAX)).toEqual(["OK", "70368744177663"]);
    expect(await persist(epoch, "a", PHYSICAL_MS_MAX + 1)).toEqual(["RANGE"]);
    expect(await redis.hget(key, "hw")).toBe("70368744177663");
  });

  it.each(["0x10", " 7", "7 ", "1e3", "-1", "1.5", "", "nan", "inf"])("refuse %j as a high-water", async (value) => {
    expect(await persist(ballot(1n), "a", value)).toEqual(["RANGE"]);
    expect(await redis.hget(key, "hw")).toBe("0");
  });

  it.each([0n, 32n, 64n, 96n])("tell epochs apart that differ by one at bit %s", async (shift) => {
    const bases = [1n << 127n, (1n << 128n) - 1n - (1n << shift), 0x0123456789abcdef0123456789abcdefn & ~(1n << shift)];
    for (const base of bases) {
      const [lower, upper] = [ballot(base), ballot(base + (1n << shift))];
      await format();
      expect(await prepare(upper, "a")).toMatchObject({ 0: "OK" });
      expect(await persist(lower, "a", 5)).toEqual(["FENCED", upper, "host:1"]);
      expect(await prepare(lower, "a")).toEqual(["STALE", upper]);
      expect(await release(lower, "a", true)).toEqual(["FENCED", upper]);
      expect(await persist(upper, "a", 7)).toEqual(["OK", "7"]);
      await format();
      expect(await prepare(lower, "a")).toMatchObject({ 0: "OK" });
      expect(await persist(upper, "a", 9)).toEqual(["OK", "9"]);
      expect(await redis.hget(key, "p")).toBe(upper);
    }
  });

  it("say what was there before a promise, and hide it when the promise is repeated", async () => {
    const [first, second] = [ballot(1n), ballot(2n)];
    await persist(first, "a", 70);
    await release(first, "a", true);
    expect(await prepare(second, "b")).toEqual(["OK", first, "70", "3", first, "a", ""]);
    expect(await prepare(second, "b")).toEqual(["OK", second, "70", "4", first, "b", "dup"]);
    expect(await prepare(second, "c")).toEqual(["STALE", second]);
  });

  it("hold others off while the holder is damped, but not the holder, and nobody after a clean release", async () => {
    const [first, second, third] = [ballot(1n), ballot(2n), ballot(3n)];
    await prepare(first, "a");
    expect(await prepare(second, "b")).toMatchObject({ 0: "LEASED", 1: first });
    expect(await prepare(second, "a")).toMatchObject({ 0: "OK" });
    await release(second, "a", true);
    expect(await prepare(third, "b")).toMatchObject({ 0: "OK" });
  });

  it("never hold others off for longer than the tenure, even if the clock of the node was set back", async () => {
    await prepare(ballot(1n), "a");
    await redis.hset(key, "lx", String(Date.now() + 100 * TENURE));
    const seen = readStatus(await status());
    expect(seen).toMatchObject({ kind: "ok", leasedForMs: TENURE });
  });

  it("refuse a register of another cluster, node or version, and an empty one, without writing", async () => {
    expect(await run(STATUS, "other", "nid", "")).toEqual(["ALIEN", "cid", "nid"]);
    expect(await run(PERSIST, "cid", "other", "", ballot(1n), "a", "h:1", 5)).toEqual(["ALIEN", "cid", "nid"]);
    expect(await run(STATUS, "cid", "nid", "another run")).toEqual(["RESTARTED", "rid"]);
    await redis.hset(key, "v", "2");
    expect(await prepare(ballot(1n), "a")).toEqual(["VERSION", "2"]);
    await redis.del(key);
    expect(await persist(ballot(1n), "a", 5)).toEqual(["EMPTY"]);
    expect(await redis.exists(key)).toBe("0");
  });

  it("admit a node only under its newest claim, and only once", async () => {
    const admission = ["cid", "nid", "rid", NO_BALLOT, "", "", 5, TENURE, 3, "lease", 100_000, "aof-always"] as const;
    expect(await run(CLAIM, "again")).toEqual(["EXISTS"]);
    await redis.del(key);
    await run(CLAIM, "first");
    await run(CLAIM, "second");
    expect(await run(ADMIT, "first", ...admission)).toEqual(["LOST"]);
    await redis.del(key);
    expect(await run(ADMIT, "second", ...admission)).toEqual(["LOST"]);
    await run(CLAIM, "third");
    expect(await run(ADMIT, "third", ...admission)).toEqual(["OK"]);
    expect(await run(ADMIT, "third", ...admission)).toEqual(["EXISTS"]);
    expect(await redis.pttl(key)).toBe("-1");
  });

  it("answer as a second, plain implementation does, over random histories", async () => {
    const epochs = fc.constantFrom(1n, 2n, 1n << 32n, (1n << 64n) + 1n, 1n << 64n, (1n << 96n) + 5n).map(ballot);
    const holder = fc.constantFrom("a", "b");
    const operation = fc.oneof(
      fc.record({ op: fc.constant("prepare" as const), epoch: epochs, holder }),
      fc.record({ op: fc.constant("persist" as const), epoch: epochs, holder, value: fc.nat(100) }),
      fc.record({ op: fc.constant("release" as const), epoch: epochs, holder, clean: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
        await format();
        const model = new ModelNode(TENURE);
        for (const step of operations) {
          switch (step.op) {
            case "prepare":
              expect(readPrepare(await prepare(step.epoch, step.holder))).toEqual(
                model.prepare(step.epoch, step.holder),
              );
              break;
            case "persist":
              expect(readPersist(await persist(step.epoch, step.holder, step.value))).toEqual(
                model.persist(step.epoch, step.holder, step.value),
              );
              break;
            case "release": {
              const told = readRelease(await release(step.epoch, step.holder, step.clean));
              expect(told.kind).toBe(model.release(step.epoch, step.holder, step.clean));
              break;
            }
            default:
              step satisfies never;
          }
        }
        const { kind, ...seen } = readStatus(await status());
        const { kind: expectedKind, ...expected } = model.status();
        // Wall-clock time passes here and not in the model; whether there is a dampener must agree.
        const plain = (answer: object): object => ({
          ...answer,
          endpoint: "",
          leasedForMs: "leasedForMs" in answer && Number(answer.leasedForMs) > 0,
        });
        expect([kind, plain(seen)]).toEqual([expectedKind, plain(expected)]);
      }),
      { numRuns: 60 },
    );
  });
});

function ballot(value: bigint): Ballot {
  return value.toString(16).padStart(32, "0");
}
