// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type Hello, isFatalRefusal } from "../../src/transport/hello.ts";
import { ALIVE_AFTER_MS, type PeerDirectory, PeerRegistry, SUCCESSION_MS } from "../../src/transport/peer-registry.ts";

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
};

function registry(directory: Partial<PeerDirectory> = {}): PeerRegistry {
  return new PeerRegistry(
    { clusterId: "c", genesis: "g", nodeId: 1, timing: "100/10/0.1" },
    { storageOf: () => undefined, wasRemoved: () => false, ...directory },
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

  it("I3: refuses another disk than the one that belongs to the member, for good", () => {
    expect(judge({}, { storageOf: () => "s2" })).toBeUndefined();
    const refusal = judge({}, { storageOf: () => "other" });
    expect(refusal?.reason).toBe("storage_replaced");
    expect(refusal?.message).toMatch(/expected storage other, got s2; remove the member and add a new one/);
    expect(isFatalRefusal("storage_replaced")).toBe(true);
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

  it.each([
    ["of a later start", restarted],
    ["of the same start", twin],
    ["of an earlier start", older],
  ])("I4: refuses both when a copy %s and the original go on speaking", (_name, copy) => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge(copy, 10, true)?.reason).toBe("busy");
    // The stream was closed, and the original comes back.
    peers.judge(first, 10 + ALIVE_AFTER_MS, false);
    expect(peers.judge(copy, 20 + ALIVE_AFTER_MS, true)?.reason).toBe("cloned");
    expect(peers.judge(first, 30 + ALIVE_AFTER_MS, false)?.reason).toBe("cloned");
    expect(isFatalRefusal("cloned")).toBe(true);
  });

  it("I4: an older start that lives on is a copy or a restored backup, even when the newer one is silent", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge(older, 10_000, false)?.reason).toBe("busy");
    expect(peers.judge(older, 10_000 + ALIVE_AFTER_MS, false)?.reason).toBe("cloned");
  });

  it("I4: a single Hello of an older start that was long on its way is no alarm", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    peers.judge(restarted, 5, false);
    expect(peers.judge(first, 6, true)?.reason).toBe("busy");
    expect(peers.judge(restarted, 7, true)).toBeUndefined();
    expect(peers.judge(restarted, 60_000, true)).toBeUndefined();
    expect(peers.judge(restarted, 60_001, true)).toBeUndefined();
  });

  it("keeps the starts of different nodes apart", () => {
    const peers = registry();
    peers.judge(first, 0, false);
    expect(peers.judge({ ...twin, nodeId: 3 }, 1, true)).toBeUndefined();
  });
});
