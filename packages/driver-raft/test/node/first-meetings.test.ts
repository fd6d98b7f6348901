// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FirstMeetings } from "../../src/node/first-meetings.ts";
import { readWhole } from "../../src/storage/device.ts";
import { SimulatedDirectory } from "../../src/storage/simulated-directory.ts";
import type { Hello } from "../../src/transport/hello.ts";
import { PeerRegistry } from "../../src/transport/peer-registry.ts";

const FILE = "first-meetings";

function disk(): SimulatedDirectory {
  return new SimulatedDirectory({ path: "node-1", chance: () => 0.5 });
}

/** This node is member 1 with disk s1. */
const self = { nodeId: 1, storageId: "s1" };
const meetingsOf = (directory: SimulatedDirectory, others: readonly number[]): FirstMeetings =>
  new FirstMeetings(directory, self, others);

/** What a node says of itself and of others: `{ 2: "s2" }`. */
function hello(nodeId: number, knows: Readonly<Record<number, string>>) {
  const disks = Object.entries(knows).map(([id, storageId]) => ({ nodeId: Number(id), storageId }));
  const own = disks.find((disk) => disk.nodeId === nodeId);
  return {
    nodeId,
    storageId: own?.storageId ?? `s${nodeId}`,
    recorded: disks.filter((disk) => disk.nodeId !== nodeId),
    complete: false,
    yourDisk: "",
  };
}

const ALL = { 1: "s1", 2: "s2", 3: "s3" };

describe("first meetings", () => {
  it("are complete when every other first member names the same disks, this node's among them", () => {
    const meetings = meetingsOf(disk(), [2, 3]);
    meetings.hear(hello(2, { 3: "s3" }));
    expect(meetings.said().recorded).toEqual([
      { nodeId: 3, storageId: "s3" },
      { nodeId: 2, storageId: "s2" },
    ]);
    expect(meetings.missing()).toEqual([2, 3]);
    expect(meetingsOf(disk(), [2, 3]).awaited()).toEqual([2, 3]);
    expect(meetings.awaited()).toEqual([2, 3]);
    meetings.hear(hello(2, { 1: "s1" }));
    meetings.hear(hello(3, ALL));
    expect(meetings.missing()).toEqual([2]);
    meetings.hear(hello(2, ALL));
    expect(meetings.complete).toBe(true);
    meetings.hear(hello(2, {}));
    expect(meetings.complete).toBe(true);
  });

  it("are complete at once for a node that is alone, or that joined later", () => {
    expect(meetingsOf(disk(), []).complete).toBe(true);
  });

  it("are durable when recorded: a crash right after them forgets none", () => {
    const directory = disk();
    const meetings = meetingsOf(directory, [2, 3]);
    meetings.hear(hello(2, {}));
    directory.endProcess();
    directory.losePower();
    const after = meetingsOf(directory, [2, 3]);
    expect(after.storageOf(2)).toBe("s2");
    expect(after.missing()).toEqual([2, 3]);
    after.hear(hello(3, ALL));
    after.hear(hello(2, ALL));
    directory.losePower();
    expect(meetingsOf(directory, [2, 3]).complete).toBe(true);
  });

  it("I3: keep the first disk of a member, whoever names it, and say who contradicts them, once", () => {
    const meetings = meetingsOf(disk(), [2, 3]);
    expect(meetings.hear(hello(2, { 3: "s3" }))).toBeUndefined();
    const other = hello(2, { 1: "s1", 3: "another" });
    expect(meetings.hear(other)).toMatch(
      /^node 2 has heard of storage another as member 3, and this node of s3: .*Format/,
    );
    expect(meetings.hear(other)).toBeUndefined();
    expect(meetings.hear(hello(3, { 1: "another", 2: "s2" }))).toMatch(
      /storage another as member 1, and this node of s1/,
    );
    expect([meetings.storageOf(3), meetings.missing()]).toEqual(["s3", [2, 3]]);
  });

  it("are complete when one that takes part names the same disks: all have named them to that one", () => {
    const meetings = meetingsOf(disk(), [2, 3]);
    meetings.hear(hello(2, {}));
    meetings.hear(hello(3, {}));
    meetings.hear({ ...hello(2, { ...ALL, 3: "another" }), complete: true });
    expect(meetings.missing()).toEqual([2, 3]);
    const others = meetingsOf(disk(), [2, 3]);
    expect(others.said()).toEqual({ recorded: [], complete: false });
    others.hear(hello(2, { 3: "s3" }));
    others.hear({ ...hello(2, ALL), complete: true });
    expect(others.said()).toMatchObject({ complete: true });
    expect(meetingsOf(disk(), []).said().complete).toBe(false);
  });

  it("I3: record nothing that one says who knows another disk in this node's place", () => {
    const meetings = meetingsOf(disk(), [2, 3]);
    expect(meetings.hear(hello(3, { 1: "old-1", 2: "old-2", 3: "old-3" }))).toMatch(
      /old-1 as member 1.*new cluster id/,
    );
    expect(meetings.said().recorded).toEqual([]);
  });

  it("I3: say whether this node's disk can still be taken for a replaced one", () => {
    const meetings = meetingsOf(disk(), [2]);
    expect([meetings.isEstablished(undefined), meetings.isEstablished("s1")]).toEqual([false, true]);
    meetings.hear(hello(2, { 1: "s1" }));
    expect(meetings.isEstablished(undefined)).toBe(true);
    expect(meetingsOf(disk(), []).isEstablished(undefined)).toBe(false);
  });

  it("I3: take no note of what strangers say of first members, or are", () => {
    const meetings = meetingsOf(disk(), [2]);
    meetings.hear(hello(9, { 1: "s1", 2: "forged", 9: "s9" }));
    expect(meetings.said().recorded).toEqual([]);
  });

  it("M6: are complete when the applied state of any node names this disk, durably", () => {
    const directory = disk();
    const meetings = meetingsOf(directory, [2, 3]);
    meetings.hear(hello(2, { 3: "s3" }));
    meetings.hear({ ...hello(9, {}), yourDisk: "another" });
    meetings.hear({ ...hello(9, {}), complete: true });
    expect(meetings.missing()).toEqual([2, 3]);
    meetings.hear({ ...hello(9, {}), yourDisk: "s1" });
    expect(meetings.complete).toBe(true);
    directory.endProcess();
    directory.losePower();
    expect(meetingsOf(directory, [2, 3]).complete).toBe(true);
  });

  it("I4: end a node whose directory was put back, and has forgotten what others have heard from it", () => {
    const blank = (): FirstMeetings => meetingsOf(disk(), [2, 3]);
    expect(() => blank().hear({ ...hello(2, ALL), complete: true })).toThrow(/older than what node 2 has heard/);
    expect(() => blank().hear({ ...hello(9, {}), yourDisk: "s1" })).toThrow(/put back from a backup/);
    // One that takes part without this disk is a contradiction, which is refused otherwise.
    expect(() => blank().hear({ ...hello(2, { ...ALL, 1: "s0" }), complete: true })).not.toThrow();
  });

  it("say Hello again when they know all disks, and from time to time while they wait", () => {
    const meetings = meetingsOf(disk(), [2, 3]);
    const ticks = (count: number): boolean[] => Array.from({ length: count }, () => meetings.tick());
    meetings.hear(hello(2, {}));
    expect(ticks(10)).toEqual([...Array.from({ length: 9 }, () => false), true]);
    meetings.hear(hello(3, {}));
    expect(ticks(2)).toEqual([true, false]);
    meetings.hear(hello(2, ALL));
    meetings.hear(hello(3, ALL));
    expect(ticks(20)).not.toContain(true);
  });

  it("are refused when any bit of the record has changed, or its end is missing", () => {
    const directory = disk();
    meetingsOf(directory, [2]).hear(hello(2, {}));
    const written = readWhole(directory, FILE);
    const put = (bytes: Uint8Array): void => {
      directory.remove(FILE);
      const file = directory.create(FILE);
      file.pwrite(bytes, 0);
      file.close();
    };
    for (let bit = 0; bit < 8 * written.length; bit++) {
      const bytes = Uint8Array.from(written);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      put(bytes);
      expect(() => meetingsOf(directory, [2])).toThrow(/is damaged; remove this member/);
    }
    for (let length = 0; length < written.length; length++) {
      put(written.subarray(0, length));
      expect(() => meetingsOf(directory, [2])).toThrow(/is damaged/);
    }
  });
});

/** A first member as far as meetings go. */
class First {
  readonly meetings: FirstMeetings;
  readonly #registry: PeerRegistry;
  readonly #hello: Hello;

  constructor(nodeId: number, storageId: string, all: readonly number[]) {
    const others = all.filter((other) => other !== nodeId);
    this.meetings = new FirstMeetings(disk(), { nodeId, storageId }, others);
    this.#hello = {
      ...{ clusterId: "c", genesis: "g", bootCount: 1, incarnation: storageId, timing: "t", peerEndpoint: "" },
      ...{
        protocolMin: 1,
        protocolMax: 1,
        nodeId,
        storageId,
        to: 0,
        echo: "",
        recorded: [],
        complete: false,
        yourDisk: "",
      },
    };
    this.#registry = new PeerRegistry(this.#hello, {
      storageOf: (other) => this.meetings.storageOf(other),
      pinnedTo: () => undefined,
      isMember: (other) => all.includes(other),
      isFirstMember: (other) => all.includes(other),
      wasRemoved: () => false,
    });
  }

  hello(): Hello {
    return { ...this.#hello, ...this.meetings.said() };
  }

  hears(hello: Hello): boolean {
    if (this.#registry.judge(hello, 0, false) !== undefined) return false;
    this.meetings.hear(hello);
    return true;
  }

  /** Opens a stream to `peer`; its answer may be lost on the way. */
  calls(peer: First, lost: "answer" | undefined = undefined): void {
    if (peer.hears(this.hello()) && lost === undefined) this.hears(peer.hello());
  }
}

describe("a first member whose disk is lost", () => {
  const all = [1, 2, 3];

  it("I3: took part only if all others know its disk, also one that was away from then on", () => {
    const [a, b, c] = [new First(1, "s1", all), new First(2, "s2", all), new First(3, "s3", all)];
    a.calls(b);
    // Node 3 hears of node 2 from node 1, and its answer from node 2 is lost.
    a.calls(c);
    c.calls(b, "answer");
    b.calls(a);
    expect([b.meetings.missing(), c.meetings.missing()]).toEqual([[], [1, 2]]);
    const wiped = new First(2, "formatted-again", all);
    c.calls(wiped);
    wiped.calls(c);
    a.calls(wiped);
    expect(wiped.meetings.complete).toBe(false);
    expect(c.meetings.storageOf(2)).toBe("s2");
  });

  it("I3: has one disk that takes part, also if two members were formatted again before the cluster formed", () => {
    const [f0, f, xa, xb, y] = [
      new First(1, "f0", all),
      new First(1, "f", all),
      new First(3, "xa", all),
      new First(3, "xb", all),
      new First(2, "y", all),
    ];
    const meet = (one: First, other: First): void => {
      for (let round = 0; round < 3; round++) {
        one.calls(other);
        other.calls(one);
      }
    };
    meet(f0, xa);
    meet(xa, y);
    meet(f, xb);
    meet(f, y);
    meet(xb, y);
    meet(xa, y);
    const took = [f0, f, xa, xb, y].filter(({ meetings }) => meetings.complete);
    expect(took).toEqual([]);
  });

  it("I3: never takes part twice, whoever meets whom and whichever disks are lost on the way", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ from: fc.nat(2), to: fc.nat(2), lost: fc.boolean(), wipe: fc.option(fc.nat(2)) }), {
          minLength: 5,
          maxLength: 60,
        }),
        fc.boolean(),
        (steps, oldOnesLive) => {
          let made = 0;
          const make = (index: number): First => {
            made += 1;
            return new First(index + 1, `disk-${made}`, all);
          };
          const lives: First[][] = all.map((_, index) => [make(index)]);
          for (const { from, to, lost, wipe } of steps) {
            if (wipe !== null && made < 9) lives[wipe]?.push(make(wipe));
            const pick = (of: First[], turn: number): First =>
              (oldOnesLive ? of[turn % of.length] : of.at(-1)) as First;
            const [one, other] = [pick(lives[from] as First[], to + made), pick(lives[to] as First[], from + made)];
            if (from !== to) one.calls(other, lost ? "answer" : undefined);
          }
          // Two whole sets of disks are two clusters; that is what formatting all of them anew means.
          const took = lives.map((of) => of.filter(({ meetings }) => meetings.complete).map((it) => it.hello()));
          const views = took.flat().map((it) => viewOf(it));
          for (const [index, view] of views.entries()) {
            for (const later of views.slice(index + 1)) {
              const shared = [...view].filter((disk) => later.has(disk)).length;
              expect([0, all.length]).toContain(shared);
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function viewOf({ storageId, recorded }: Hello): ReadonlySet<string> {
  return new Set([storageId, ...recorded.map((disk) => disk.storageId)]);
}
