// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hello, isFatalRefusal, type Refusal } from "../../src/transport/hello.ts";
import { MOST_STRANGERS, type PeerDirectory, PeerRegistry, SUCCESSION_MS } from "../../src/transport/peer-registry.ts";

const base: Hello = {
  protocolMin: 1,
  protocolMax: 1,
  clusterId: "c",
  genesis: "g",
  nodeId: 2,
  storageId: "s2",
  bootCount: 5,
  incarnation: "first",
  timing: "100/10/0.1",
  to: 1,
  peerEndpoint: "",
  echo: "",
  recorded: [],
  complete: false,
  yourDisk: "",
};

function registry(directory: Partial<PeerDirectory> = {}): PeerRegistry {
  return new PeerRegistry(
    { clusterId: "c", genesis: "g", nodeId: 1, timing: "100/10/0.1", incarnation: "self" },
    {
      storageOf: () => undefined,
      pinnedTo: () => undefined,
      isMember: () => false,
      isFirstMember: () => false,
      wasRemoved: () => false,
      ...directory,
    },
  );
}

const judge = (hello: Partial<Hello>, directory: Partial<PeerDirectory> = {}) =>
  registry(directory).judge({ ...base, ...hello }, 0, false);

describe("who may be a peer", () => {
  it.each([
    ["another protocol", { protocolMin: 2, protocolMax: 3 }, "protocol"],
    ["another cluster", { clusterId: "d" }, "cluster"],
    ["another list of first members", { genesis: "h" }, "genesis"],
    ["other times for leases", { timing: "100/10/0.2" }, "timing"],
    ["a Hello for somebody else", { to: 3 }, "recipient"],
    ["this node itself", { nodeId: 1, to: 0 }, "sender"],
    ["nobody", { nodeId: 0 }, "sender"],
  ] as const)("X2: refuses %s", (_name, hello, reason) => {
    expect(judge(hello)?.reason).toBe(reason);
  });

  it("X2: accepts a wider range of protocols, and a node that joined without first members", () => {
    expect(judge({ protocolMin: 1, protocolMax: 9 })).toBeUndefined();
    expect(judge({ genesis: "" })).toBeUndefined();
  });

  it("I3: refuses a first member that was formatted to join, since it records nobody before it votes", () => {
    const refusal = judge({ genesis: "" }, { isFirstMember: (id) => id === base.nodeId });
    expect(refusal).toMatchObject({
      reason: "genesis",
      message: expect.stringMatching(/formatted to join; format it with/),
    });
  });

  it("refuses a disk that could not be recorded", () => {
    for (const storageId of ["", "x".repeat(65), "é"]) expect(judge({ storageId })?.reason).toBe("sender");
  });

  it("I3: refuses another disk than the one that belongs to the member, for good", () => {
    expect(judge({}, { storageOf: () => "s2" })).toBeUndefined();
    const refusal = judge({}, { storageOf: () => "other" });
    expect(refusal?.reason).toBe("storage_replaced");
    expect(refusal?.message).toMatch(/expected storage other, got s2; remove the member and add a new one/);
    const unknown = { isEstablished: false, disk: undefined };
    expect(isFatalRefusal({ reason: "storage_replaced" }, unknown)).toBe(true);
    // What is left over from another life of the cluster does not know better; who is known by this disk, or unknown, may.
    const established = { isEstablished: true, disk: "s3" };
    expect(isFatalRefusal({ reason: "storage_replaced", storageId: "old" }, established)).toBe(false);
    expect(isFatalRefusal({ reason: "storage_replaced", storageId: "s3" }, established)).toBe(true);
    expect(isFatalRefusal({ reason: "storage_replaced", storageId: "s4" }, { ...established, disk: undefined })).toBe(
      true,
    );
    expect(isFatalRefusal({ reason: "removed", storageId: "s3" }, established)).toBe(true);
    expect(isFatalRefusal({ reason: "removed", storageId: "old" }, established)).toBe(false);
  });

  it("M6: refuses a node that was removed", () => {
    expect(judge({}, { wasRemoved: (id) => id === 2 })?.reason).toBe("removed");
  });
});

describe("two starts that speak for one node", () => {
  const first = base;
  const restarted: Hello = { ...base, bootCount: 6, incarnation: "second" };
  const older: Hello = { ...base, bootCount: 4, incarnation: "copy" };
  const twin: Hello = { ...base, incarnation: "twin" };

  it("I4: a restart is accepted at once when the stream before it is gone", () => {
    const peers = registry();
    expect(peers.judge(first, 0, false)).toBeUndefined();
    expect(peers.judge(first, 1, false)).toBeUndefined();
    expect(peers.judge(restarted, 2, false)).toBeUndefined();
    expect(peers.judge(restarted, 3, true)).toBeUndefined();
  });

  it("I4: a restart waits while the stream before it stands, and is accepted when nobody comes back on it", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge(restarted, 10, true)?.reason).toBe("busy");
    expect(peers.judge(restarted, 10 + SUCCESSION_MS - 1, false)?.reason).toBe("busy");
    expect(peers.judge(restarted, 10 + SUCCESSION_MS, false)).toBeUndefined();
  });

  /** The Hello again, after its sender was told of a refusal. */
  const informed = (hello: Hello, refusal: Refusal | undefined): Hello => ({
    ...hello,
    echo: refusal?.challenge ?? "",
  });

  it("I4: refuses both when a copy of a later start is heard and the original goes on speaking", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge(restarted, 10, true)?.reason).toBe("busy");
    // The stream was closed, and the original comes back; that it was told of the later start shows that it lives.
    const told = peers.judge(first, 11, false);
    expect(told?.reason).toBe("stale");
    expect(peers.judge(informed(first, told), 12, false)?.reason).toBe("cloned");
    expect(peers.judge(restarted, 13, false)?.reason).toBe("cloned");
    expect(peers.judge(first, 60_000, false)?.reason).toBe("cloned");
    expect(isFatalRefusal({ reason: "cloned" }, { isEstablished: true, disk: undefined })).toBe(true);
  });

  it("I4: also when the copy was accepted because the original was silent for long", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    peers.judge(restarted, 10_000, false);
    const told = peers.judge(first, 20_000, true);
    expect(told?.reason).toBe("stale");
    expect(peers.judge(informed(first, told), 20_100, true)?.reason).toBe("cloned");
    expect(peers.judge(restarted, 20_200, false)?.reason).toBe("cloned");
  });

  it("I4: two starts with one count are copies at once, since the count is raised before anything is said", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge(twin, 10, false)?.reason).toBe("cloned");
    expect(peers.judge(first, 20, false)?.reason).toBe("cloned");
  });

  it("I4: a twin of a start that waits is found out, too", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    peers.judge(restarted, 10, true);
    expect(peers.judge({ ...restarted, incarnation: "third" }, 20, false)?.reason).toBe("cloned");
  });

  it("I4: an older start that lives on is a copy or a restored backup, even when the newer one is silent", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    const told = peers.judge(older, 10_000, false);
    expect(told?.reason).toBe("stale");
    expect(peers.judge(informed(older, told), 10_001, false)?.reason).toBe("cloned");
  });

  it("I4: Hellos of older starts that were long on their way are no alarm, however many come and whenever", () => {
    const peers = registry();
    peers.judge(restarted, 5, false);
    for (const atMs of [6, 700, 700, 5_000, 60_000]) {
      expect(peers.judge(first, atMs, true)?.reason).toBe("stale");
      expect(peers.judge(older, atMs, true)?.reason).toBe("stale");
      expect(peers.judge(restarted, atMs + 1, true)).toBeUndefined();
    }
  });

  it("I4: what another start of this node asked to repeat, or asked before a newer start was heard, shows nothing", () => {
    const peers = registry();
    peers.judge(restarted, 5, false);
    expect(peers.judge({ ...first, echo: "another start/6" }, 10, true)?.reason).toBe("stale");
    expect(peers.judge({ ...first, echo: "self/5" }, 11, true)?.reason).toBe("stale");
    expect(peers.judge({ ...first, echo: "self/many" }, 12, true)?.reason).toBe("stale");
  });

  it("I4: restarts that follow each other are never taken for copies, whatever the network delays, doubles and reorders", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: "say" as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant("deliver" as const), pick: fc.nat(), keep: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(3_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, live) => {
        const peers = registry();
        let speaker = first;
        const underWay: Hello[] = [];
        let nowMs = 0;
        const deliver = (hello: Hello): Refusal | undefined => {
          const refusal = peers.judge(hello, nowMs, live);
          expect(refusal?.reason).not.toBe("cloned");
          // An answer reaches only those that still live.
          if (hello.incarnation === speaker.incarnation) speaker = informed(speaker, refusal);
          return refusal;
        };
        for (const one of steps) {
          if (one.kind === "say") underWay.push(speaker);
          else if (one.kind === "wait") nowMs += one.ms;
          else if (one.kind === "restart") {
            const bootCount = speaker.bootCount + 1;
            speaker = { ...first, bootCount, incarnation: `start ${bootCount}` };
          } else {
            const [hello] = underWay.splice(one.pick % Math.max(1, underWay.length), 1);
            if (hello === undefined) continue;
            if (one.keep) underWay.push(hello);
            deliver(hello);
          }
        }
        // And when the network has calmed down, the one that lives is heard.
        for (const hello of underWay) deliver(hello);
        let refusal = deliver(speaker);
        for (let tries = 0; tries < 3 && refusal !== undefined; tries++) {
          nowMs += SUCCESSION_MS;
          refusal = deliver(speaker);
        }
        expect(refusal).toBeUndefined();
      }),
    );
  });

  it("remembers only so many nodes that are no members, and all members", () => {
    const peers = registry({ storageOf: (id) => (id === 2 ? "s2" : undefined) });
    peers.judge(first, 0, false);
    for (let nodeId = 3; nodeId <= 3 + MOST_STRANGERS; nodeId++) peers.judge({ ...first, nodeId }, nodeId, false);
    expect(peers.judge(twin, 100, false)?.reason).toBe("cloned");
    expect(peers.judge({ ...twin, nodeId: 3 + MOST_STRANGERS }, 100, false)?.reason).toBe("cloned");
    expect(peers.judge({ ...twin, nodeId: 3 }, 100, false)).toBeUndefined();
  });

  it("keeps the starts of different nodes apart", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge({ ...twin, nodeId: 3 }, 1, true)).toBeUndefined();
  });
});

describe("a disk that takes the place of a lost one", () => {
  const replaced: Hello = { ...base, storageId: "another-disk", bootCount: 1, incarnation: "new" };

  it("I3: is not listened to any more as soon as the member's own disk is known", () => {
    let known: string | undefined;
    const peers = registry({ storageOf: () => known });
    expect(peers.judge(replaced, 0, false)).toBeUndefined();
    expect(peers.stands(2, replaced.storageId)).toBe(true);
    known = "s2";
    expect(peers.stands(2, replaced.storageId)).toBe(false);
    expect(peers.stands(2, "s2")).toBe(true);
    expect(peers.judge(replaced, 1, false)?.reason).toBe("storage_replaced");
  });

  it("I4: does not make the member's own disk look like a copy", () => {
    let known: string | undefined;
    const peers = registry({ storageOf: () => known });
    peers.judge(replaced, 0, false);
    known = "s2";
    expect(peers.judge(base, 1, true)).toBeUndefined();
    expect(peers.judge(base, 2, true)).toBeUndefined();
  });

  it("waits while another one is heard, where nobody knows which of them is the member's", () => {
    const peers = registry();
    peers.judge(base, 0, false);
    expect(peers.judge(replaced, 1, true)?.reason).toBe("busy");
    expect(peers.judge(replaced, 2, false)).toBeUndefined();
    expect(peers.judge(base, 3, false)).toBeUndefined();
  });
});
