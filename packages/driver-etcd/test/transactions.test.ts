// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EtcdClient } from "../src/client/etcd-client.ts";
import { untilDeleted } from "../src/deletion.ts";
import { OracleKeys } from "../src/keys.ts";
import { unbreakable } from "../src/log.ts";
import { checkOracle } from "../src/options.ts";
import { campaignedEpoch, found, loaded, persisted, predecessor } from "../src/outcomes.ts";
import { decodeHighWater, encodeHighWater, encodeReign } from "../src/records.ts";
import { after } from "../src/timers.ts";
import {
  type Claim,
  nobodyStands,
  oldestCandidate,
  put,
  t0Bootstrap,
  t1Campaign,
  t2Predecessor,
  t3Load,
  t4Persist,
  t5Resign,
} from "../src/transactions.ts";
import { useEtcd } from "./cluster.ts";
import { callEtcd, deleteKey, rangeOf } from "./gateway.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 1);
const url = (): string => etcd()[0]?.url ?? "";
const identity = new TextEncoder().encode("{}");
const ms = physicalMs;

let oracles = 0;

/** What the transactions say is the subject here, not how soon a disk is done with them. */
const opTimeoutMs = 60_000;

/** One oracle of its own, and a client that speaks to etcd as the driver does. */
class Bench implements AsyncDisposable {
  readonly keys: OracleKeys;
  readonly client = new EtcdClient(checkOracle({ endpoints: [url()], opTimeoutMs }).client, unbreakable(undefined));

  constructor() {
    oracles += 1;
    this.keys = new OracleKeys(`/bench/${oracles}/`);
  }

  /** T0. */
  async bootstrap(initial = 0): Promise<bigint> {
    const response = await this.client.txn(t0Bootstrap(this.keys, initial, []));
    return response.succeeded ? response.header.revision : (found(response, 0)?.createRevision ?? 0n);
  }

  /** T1 with a lease of its own. */
  async claim(ttlSeconds = 60n): Promise<Claim> {
    const { id: leaseId } = await this.client.leaseGrant(ttlSeconds);
    const key = this.keys.candidate(leaseId);
    const epoch = campaignedEpoch(await this.client.txn(t1Campaign(key, identity, leaseId)));
    return { key, leaseId, epoch: epoch ?? -1n };
  }

  async persist(claim: Claim, hwRev: bigint, atLeast: number): Promise<unknown> {
    const response = await this.client.txn(t4Persist(this.keys, claim, hwRev, atLeast));
    return persisted(response, claim, hwRev, ms(atLeast));
  }

  async load(claim: Claim, hwRev: bigint): Promise<unknown> {
    return loaded(await this.client.txn(t3Load(this.keys, claim, hwRev)), claim, hwRev);
  }

  async before(epoch: bigint): Promise<bigint | undefined> {
    return predecessor(await this.client.range(t2Predecessor(this.keys, epoch)))?.createRevision;
  }

  async stored(): Promise<{ highWater: number; epoch: bigint }> {
    const [register] = await rangeOf(url(), this.keys.highWater);
    return decodeHighWater(register?.value ?? new Uint8Array());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
  }
}

describe("T0 bootstrap", () => {
  it("makes the register once, and finds it afterwards with the same create revision", async () => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap(7);
    expect(await bench.bootstrap(9_000)).toBe(hwRev);
    expect(await bench.stored()).toEqual({ highWater: 7, epoch: 0n });
  });

  it("never gives the register a lease (G4), nor what is beside it", async () => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap();
    const claim = await bench.claim();
    await bench.persist(claim, hwRev, 5);
    const all = await rangeOf(url(), bench.keys.highWater, new TextEncoder().encode(`${bench.keys.prefix}hx`));
    expect(all.map(({ lease }) => lease)).toEqual([0n]);
    const [candidate] = await rangeOf(url(), claim.key);
    expect(candidate?.lease).toBe(claim.leaseId);
  });
});

describe("T1 campaign", () => {
  it("has the create revision of its key as epoch, also when it is sent again", async () => {
    await using bench = new Bench();
    const claim = await bench.claim();
    const again = await bench.client.txn(t1Campaign(claim.key, identity, claim.leaseId));
    expect(again.succeeded).toBe(false);
    expect(campaignedEpoch(again)).toBe(claim.epoch);
    expect((await rangeOf(url(), claim.key))[0]?.createRevision).toBe(claim.epoch);
  });

  it("gives every later candidate a larger epoch, also after all before it are gone", async () => {
    await using bench = new Bench();
    const first = await bench.claim();
    const second = await bench.claim();
    await bench.client.txn(t5Resign(bench.keys, first, undefined));
    await bench.client.txn(t5Resign(bench.keys, second, undefined));
    const third = await bench.claim();
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(third.epoch).toBeGreaterThan(second.epoch);
  });
});

describe("T2 wait for the turn", () => {
  it("finds the youngest of the older candidates, and L6 the oldest of all", async () => {
    await using bench = new Bench();
    const [first, second, third] = [await bench.claim(), await bench.claim(), await bench.claim()];
    expect(await bench.before(first.epoch)).toBeUndefined();
    expect(await bench.before(second.epoch)).toBe(first.epoch);
    expect(await bench.before(third.epoch)).toBe(second.epoch);
    const oldest = await bench.client.range(oldestCandidate(bench.keys));
    expect(oldest.kvs.map(({ createRevision }) => createRevision)).toEqual([first.epoch]);
    await bench.client.txn(t5Resign(bench.keys, second, undefined));
    expect(await bench.before(third.epoch)).toBe(first.epoch);
  });

  it("hears of a deletion by its watch, and of no put", async () => {
    await using bench = new Bench();
    const claim = await bench.claim();
    const events: number[] = [];
    const watching = bench.client.watch(
      { key: claim.key, startRevision: claim.epoch + 1n, filters: [0] },
      { onEvent: ({ type }) => events.push(type), onEnd: (reason) => void events.push(-reason.length) },
    );
    await bench.client.txn({ compare: [], success: [put(claim.key, identity, claim.leaseId)], failure: [] });
    await bench.client.txn(t5Resign(bench.keys, claim, undefined));
    await waitUntil("the deletion", () => events.length > 0);
    expect(events).toEqual([1]);
    watching.stop();
  });

  it("goes on when the revision that it watches from has been compacted", async () => {
    await using bench = new Bench();
    const claim = await bench.claim();
    await bench.claim();
    const newest = await bench.claim();
    await callEtcd(url(), "/v3/kv/compaction", { revision: String(newest.epoch) });
    let reason = "";
    bench.client.watch(
      { key: claim.key, startRevision: claim.epoch + 1n, filters: [0] },
      {
        onEvent: () => {},
        onEnd: (text) => {
          reason = text;
        },
      },
    );
    await waitUntil("the end of the watch", () => reason !== "");
    expect(reason).toMatch(/compacted up to revision \d+/);
    const stop = new AbortController();
    let alive = 0;
    const gone = untilDeleted(
      bench.client,
      { key: claim.key, createRevision: claim.epoch, fromRevision: claim.epoch + 1n },
      {
        after,
        signal: stop.signal,
        lookEveryMs: 60_000,
        retryMs: 1,
        onAlive: async () => {
          alive += 1;
        },
      },
    );
    await waitUntil("a look after the compaction", () => alive > 0);
    await deleteKey(url(), claim.key);
    await gone;
    expect(stop.signal.aborted).toBe(false);
  });
});

describe("T3 load", () => {
  it("reads the register under the fence, and is fenced once its key is gone, by another or by its lease", async () => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap(42);
    const [first, second] = [await bench.claim(), await bench.claim()];
    expect(await bench.load(first, hwRev)).toEqual({ kind: "ok", highWater: 42 });
    await bench.client.leaseRevoke(first.leaseId);
    expect(await bench.load(first, hwRev)).toEqual({ kind: "fenced" });
    expect(await bench.load(second, hwRev)).toEqual({ kind: "ok", highWater: 42 });
    // A key of the same name that was made anew is another candidacy.
    await bench.client.txn({ compare: [], success: [put(first.key, identity)], failure: [] });
    expect(await bench.load(first, hwRev)).toEqual({ kind: "fenced" });
  });

  it("says that the register was replaced, rather than that it was fenced", async () => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap(42);
    const claim = await bench.claim();
    await deleteKey(url(), bench.keys.highWater);
    expect(await bench.load(claim, hwRev)).toEqual({ kind: "replaced", found: undefined });
    const anew = await bench.bootstrap(0);
    await deleteKey(url(), claim.key);
    expect(await bench.load(claim, hwRev)).toEqual({ kind: "replaced", found: anew });
  });
});

describe("T4 persist, all three comparisons together", () => {
  it("raises, repeats without effect, and never lowers", async () => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap();
    const claim = await bench.claim();
    expect(await bench.persist(claim, hwRev, 0)).toEqual({ kind: "ok", highWater: 0 });
    expect(await bench.stored()).toEqual({ highWater: 0, epoch: 0n });
    expect(await bench.persist(claim, hwRev, 500)).toEqual({ kind: "ok", highWater: 500 });
    expect(await bench.stored()).toEqual({ highWater: 500, epoch: claim.epoch });
    const [before] = await rangeOf(url(), bench.keys.highWater);
    expect(await bench.persist(claim, hwRev, 500)).toEqual({ kind: "ok", highWater: 500 });
    expect(await bench.persist(claim, hwRev, 499)).toEqual({ kind: "ok", highWater: 500 });
    const [unchanged] = await rangeOf(url(), bench.keys.highWater);
    expect(unchanged?.modRevision).toBe(before?.modRevision);
  });

  it.each([
    [255, 256],
    [65_535, 65_536],
    [2 ** 32 - 1, 2 ** 32],
    [2 ** 46 - 2, 2 ** 46 - 1],
  ])("orders %i below %i, byte by byte", async (low, high) => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap();
    const claim = await bench.claim();
    await bench.persist(claim, hwRev, high);
    expect(await bench.persist(claim, hwRev, low)).toEqual({ kind: "ok", highWater: high });
    expect((await bench.stored()).highWater).toBe(high);
  });

  it("writes nothing when one of the three does not hold, and says which", async () => {
    await using bench = new Bench();
    const hwRev = await bench.bootstrap(10);
    const [claim, other] = [await bench.claim(), await bench.claim()];
    expect(await bench.persist({ ...claim, epoch: other.epoch }, hwRev, 99)).toEqual({ kind: "fenced" });
    expect(await bench.persist(claim, hwRev + 1n, 99)).toEqual({ kind: "replaced", found: hwRev });
    expect(await bench.persist(claim, hwRev, 9)).toEqual({ kind: "ok", highWater: 10 });
    expect(await bench.stored()).toEqual({ highWater: 10, epoch: 0n });
    await bench.client.txn(t5Resign(bench.keys, claim, undefined));
    expect(await bench.persist(claim, hwRev, 99)).toEqual({ kind: "fenced" });
    await deleteKey(url(), bench.keys.highWater);
    expect(await bench.persist(other, hwRev, 99)).toEqual({ kind: "replaced", found: undefined });
    expect(await rangeOf(url(), bench.keys.highWater)).toEqual([]);
  });
});

describe("T5 resign", () => {
  it("deletes its own key only, and leaves its mark in the same step", async () => {
    await using bench = new Bench();
    const claim = await bench.claim();
    const release = encodeReign({ epoch: claim.epoch, clean: true, advertise: "a:1" });
    await bench.client.txn(t5Resign(bench.keys, { ...claim, epoch: claim.epoch - 1n }, release));
    expect(await rangeOf(url(), claim.key)).toHaveLength(1);
    expect(await rangeOf(url(), bench.keys.reign)).toEqual([]);
    await bench.client.txn(t5Resign(bench.keys, claim, release));
    const [mark] = await rangeOf(url(), bench.keys.reign);
    expect(await rangeOf(url(), claim.key)).toEqual([]);
    expect(JSON.parse(mark?.value.toString() ?? "")).toMatchObject({ epoch: String(claim.epoch), clean: true });
  });

  it("ends the lease, whether or not it is still there", async () => {
    await using bench = new Bench();
    const claim = await bench.claim();
    await bench.client.leaseRevoke(claim.leaseId);
    await bench.client.leaseRevoke(claim.leaseId);
    expect(await bench.client.keepAlive(claim.leaseId)).toBeLessThanOrEqual(0n);
    expect(await rangeOf(url(), claim.key)).toEqual([]);
  });
});

describe("comparisons of operators", () => {
  it("hold for an empty electorate only", async () => {
    await using bench = new Bench();
    const nobody = { compare: [nobodyStands(bench.keys)], success: [], failure: [] };
    expect((await bench.client.txn(nobody)).succeeded).toBe(true);
    const claim = await bench.claim();
    expect((await bench.client.txn(nobody)).succeeded).toBe(false);
    await bench.client.leaseRevoke(claim.leaseId);
    expect((await bench.client.txn(nobody)).succeeded).toBe(true);
  });
});

describe("the register's bytes", () => {
  it("are the high-water, then the epoch, most significant byte first", () => {
    expect(Buffer.from(encodeHighWater(258, 3n)).toString("hex")).toBe("00000000000001020000000000000003");
  });
});
