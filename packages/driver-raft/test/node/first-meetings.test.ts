// SPDX-License-Identifier: Apache-2.0
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

/** A caller's Hello says whom it means; an answer does not. */
const call = (nodeId: number, storageId: string) => ({ nodeId, storageId, to: 1, removed: [] });
const answer = (nodeId: number, storageId: string, removed: readonly number[] = []) => ({
  nodeId,
  storageId,
  to: 0,
  removed,
});

describe("first meetings", () => {
  it("are complete when every other first member has answered, not when it was only heard of", () => {
    const meetings = new FirstMeetings(disk(), [2, 3]);
    meetings.meet(call(2, "s2"));
    meetings.meet(answer(3, "s3"));
    expect(meetings.storageOf(2)).toBe("s2");
    expect(meetings.missing()).toEqual([2]);
    expect(meetings.complete).toBe(false);
    meetings.meet(answer(2, "s2"));
    expect(meetings.complete).toBe(true);
    meetings.meet(call(2, "s2"));
    expect(meetings.complete).toBe(true);
  });

  it("are complete at once for a node that is alone, or that joined later", () => {
    expect(new FirstMeetings(disk(), []).complete).toBe(true);
  });

  it("are durable when recorded: a crash right after them forgets none", () => {
    const directory = disk();
    const meetings = new FirstMeetings(directory, [2, 3]);
    meetings.meet(call(2, "s2"));
    directory.endProcess();
    directory.losePower();
    const after = new FirstMeetings(directory, [2, 3]);
    expect(after.storageOf(2)).toBe("s2");
    expect(after.missing()).toEqual([2, 3]);
    after.meet(answer(2, "s2"));
    after.meet(answer(3, "s3"));
    directory.losePower();
    expect(new FirstMeetings(directory, [2, 3]).complete).toBe(true);
  });

  it("I3: keep the first storage of a member, and take no note of strangers", () => {
    const meetings = new FirstMeetings(disk(), [2]);
    meetings.meet(call(2, "s2"));
    meetings.meet(answer(2, "another"));
    meetings.meet(answer(9, "s9"));
    expect(meetings.storageOf(2)).toBe("s2");
    expect(meetings.storageOf(9)).toBeUndefined();
    expect(meetings.complete).toBe(false);
  });

  it("M6: wait no more for a first member that was removed, as an answer says, durably", () => {
    const directory = disk();
    const meetings = new FirstMeetings(directory, [2, 3, 4]);
    meetings.meet(call(3, "s3"));
    meetings.meet(answer(2, "s2", [3, 4]));
    expect(meetings.missing()).toEqual([]);
    expect(meetings.storageOf(3)).toBe("s3");
    expect(meetings.storageOf(4)).toBeUndefined();
    directory.endProcess();
    directory.losePower();
    const after = new FirstMeetings(directory, [2, 3, 4]);
    expect(after.complete).toBe(true);
    // It may not have heard of its removal yet; its disk is recorded before it is answered, and stays.
    after.meet(call(4, "s4"));
    after.meet(answer(4, "another"));
    expect([after.storageOf(4), after.complete]).toEqual(["s4", true]);
  });

  it("I3: believe only whoever has accepted this node that a first member was removed", () => {
    const meetings = new FirstMeetings(disk(), [2, 3]);
    meetings.meet({ ...call(2, "s2"), removed: [3] });
    expect(meetings.missing()).toEqual([2, 3]);
    meetings.meet(answer(9, "s9", [3]));
    expect(meetings.missing()).toEqual([2]);
  });

  it("are refused when any bit of the record has changed, or its end is missing", () => {
    const directory = disk();
    new FirstMeetings(directory, [2]).meet(answer(2, "s2"));
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
      expect(() => new FirstMeetings(directory, [2])).toThrow(/is damaged; remove this member/);
    }
    for (let length = 0; length < written.length; length++) {
      put(written.subarray(0, length));
      expect(() => new FirstMeetings(directory, [2])).toThrow(/is damaged/);
    }
  });
});

/** A first member as far as meetings go. */
class First {
  readonly meetings: FirstMeetings;
  readonly #registry: PeerRegistry;
  readonly id: number;
  readonly #storageId: string;

  constructor(id: number, storageId: string, all: readonly number[]) {
    this.id = id;
    this.#storageId = storageId;
    this.meetings = new FirstMeetings(
      disk(),
      all.filter((other) => other !== id),
    );
    this.#registry = new PeerRegistry(
      { clusterId: "c", genesis: "g", nodeId: id, timing: "t", incarnation: `${id}` },
      { storageOf: (other) => this.meetings.storageOf(other), wasRemoved: () => false },
    );
  }

  hello(to: number): Hello {
    const known = {
      clusterId: "c",
      genesis: "g",
      bootCount: 1,
      incarnation: this.#storageId,
      timing: "t",
      peerEndpoint: "",
      echo: "",
      missing: [],
      removed: [],
    };
    return { ...known, protocolMin: 1, protocolMax: 1, nodeId: this.id, storageId: this.#storageId, to };
  }

  hears(hello: Hello): boolean {
    if (this.#registry.judge(hello, 0, false) !== undefined) return false;
    this.meetings.meet(hello);
    return true;
  }

  /** Opens a stream to `peer`; its answer may be lost on the way. */
  calls(peer: First, lost: "answer" | undefined = undefined): void {
    if (peer.hears(this.hello(peer.id)) && lost === undefined) this.hears(peer.hello(0));
  }
}

describe("a first member whose disk is lost", () => {
  it("I3: took part only if all others know its disk, also one that was away from then on", () => {
    const all = [1, 2, 3];
    const [a, b, c] = [new First(1, "s1", all), new First(2, "s2", all), new First(3, "s3", all)];
    a.calls(b);
    b.calls(a);
    a.calls(c);
    c.calls(a);
    // Node 2 hears of node 3, whose connection breaks before it hears of node 2.
    c.calls(b, "answer");
    expect(b.meetings.complete).toBe(false);
    b.calls(c);
    expect(b.meetings.complete).toBe(true);
    const wiped = new First(2, "formatted again", all);
    c.calls(wiped);
    wiped.calls(c);
    a.calls(wiped);
    expect(wiped.meetings.complete).toBe(false);
    expect(c.meetings.storageOf(2)).toBe("s2");
  });
});
