// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from "node:url";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { FaultProxy, waitUntil } from "@tsoracle/test-services";
import { afterEach, describe, expect, it } from "vitest";
import { type Message, newEntry, newMessage } from "../../src/raft/types.ts";
import type { Hello, Refusal } from "../../src/transport/hello.ts";
import { MOST_GREETING } from "../../src/transport/peer-port.ts";
import type { PeerDirectory } from "../../src/transport/peer-registry.ts";
import { CHANNEL_OPTIONS, CONNECT } from "../../src/transport/peer-service.ts";
import type { PeerTlsOptions } from "../../src/transport/peer-tls.ts";
import { systemTimers } from "../../src/transport/timers.ts";
import { MOST_STANDING, PeerTransport, type TransportOptions } from "../../src/transport/transport.ts";

/** One node's end of the network, and everything it heard. */
interface End {
  readonly transport: PeerTransport;
  readonly received: Message[];
  readonly met: Hello[];
  readonly unreachable: number[];
  readonly refusals: Refusal[];
  readonly turnedAway: Refusal[];
  readonly snapshots: boolean[];
}

/** A node that knows of no member. */
const nobody: PeerDirectory = {
  storageOf: () => undefined,
  pinnedTo: () => undefined,
  isMember: () => false,
  isFirstMember: () => false,
  wasRemoved: () => false,
};

const open = new Set<{ close(): void }>();
afterEach(() => {
  for (const one of open) one.close();
  open.clear();
});

async function end(id: number, options: Partial<TransportOptions> = {}): Promise<End> {
  const heard = {
    received: [] as Message[],
    met: [] as Hello[],
    unreachable: [] as number[],
    refusals: [] as Refusal[],
    turnedAway: [] as Refusal[],
    snapshots: [] as boolean[],
  };
  const transport = await PeerTransport.open({
    identity: {
      clusterId: "tls-cluster",
      genesis: "g",
      nodeId: id,
      storageId: `s${id}`,
      bootCount: 1,
      incarnation: `start-${id}`,
      timing: "100/10/0.1",
    },
    listen: { host: "127.0.0.1", port: 0 },
    peerEndpoint: () => "",
    firstMembers: () => ({ recorded: [], complete: false }),
    directory: nobody,
    host: {
      received: (message) => heard.received.push(message),
      met: (hello) => heard.met.push(hello),
      unreachable: (peer) => heard.unreachable.push(peer),
      snapshotSent: (_peer, ok) => heard.snapshots.push(ok),
      refused: (_by, refusal) => heard.refusals.push(refusal),
      turnedAway: (_hello, refusal) => heard.turnedAway.push(refusal),
    },
    ...options,
  });
  open.add(transport);
  return { transport, ...heard };
}

const address = ({ transport }: End) => `127.0.0.1:${transport.port}`;
const connected = (from: End, to: number) =>
  waitUntil(`a stream to node ${to}`, () => Promise.resolve(from.transport.connected().includes(to)), { everyMs: 5 });

function tls(id: number): PeerTlsOptions {
  const file = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  return { certFile: file(`node-${id}.crt`), keyFile: file(`node-${id}.key`), caFile: file("ca.crt") };
}

describe("the transport between peers", () => {
  it("X5: carries messages in order, each direction on its own stream", async () => {
    const [one, two] = [await end(1), await end(2)];
    one.transport.setPeers(new Map([[2, address(two)]]));
    two.transport.setPeers(new Map([[1, address(one)]]));
    await Promise.all([connected(one, 2), connected(two, 1)]);
    const sent = Array.from({ length: 100 }, (_, index) => newMessage("MsgApp", { from: 1, to: 2, index }));
    for (const message of sent) one.transport.send(message);
    two.transport.send(newMessage("MsgAppResp", { from: 2, to: 1, index: 9 }));
    await waitUntil("all of them", () => Promise.resolve(two.received.length === 100 && one.received.length === 1));
    expect(two.received).toEqual(sent);
    expect(one.received[0]).toMatchObject({ type: "MsgAppResp", index: 9 });
    expect(one.met.map(({ nodeId, storageId }) => [nodeId, storageId])).toContainEqual([2, "s2"]);
  });

  it("comes back by itself after a cut, and says that what was sent may be lost", async () => {
    const [one, two] = [await end(1), await end(2)];
    const proxy = await FaultProxy.open({ host: "127.0.0.1", port: two.transport.port });
    open.add({ close: () => void proxy.close() });
    one.transport.setPeers(new Map([[2, `127.0.0.1:${proxy.port}`]]));
    await connected(one, 2);
    proxy.reset();
    await waitUntil("the loss to be noticed", () => Promise.resolve(one.unreachable.includes(2)));
    await connected(one, 2);
    one.transport.send(newMessage("MsgVote", { from: 1, to: 2, term: 7 }));
    await waitUntil("a message after the cut", () => Promise.resolve(two.received.some(({ term }) => term === 7)));
  });

  it("says Hello again where it said less before, and does not interrupt a Hello that says it already", async () => {
    let named = "127.0.0.1:1";
    const pauses: number[] = [];
    const timers = {
      ...systemTimers,
      after: (ms: number, run: () => void) => {
        pauses.push(ms);
        return systemTimers.after(ms, run);
      },
    };
    const [one, two] = [await end(1, { peerEndpoint: () => named, timers }), await end(2)];
    const peers = new Map([[2, address(two)]]);
    one.transport.setPeers(peers);
    // The deadline for the answer, and nothing that is waited for before the Hello.
    expect(pauses).toHaveLength(1);
    await connected(one, 2);
    expect(two.met.map(({ peerEndpoint }) => peerEndpoint)).toEqual(["127.0.0.1:1"]);
    named = "127.0.0.1:2";
    one.transport.setPeers(peers);
    await waitUntil("the new address", () => Promise.resolve(two.met.at(-1)?.peerEndpoint === "127.0.0.1:2"));
  });

  it("says what it knows of first members, and which disk it knows its peer by, again when it is told to", async () => {
    const pins = new Map<number, string>();
    const said = { recorded: [{ nodeId: 2, storageId: "s2" }], complete: false };
    const [one, two] = [
      await end(1, { firstMembers: () => ({ ...said }), directory: { ...nobody, pinnedTo: (id) => pins.get(id) } }),
      await end(2, { directory: { ...nobody, pinnedTo: (id) => (id === 1 ? "s1" : undefined) } }),
    ];
    one.transport.setPeers(new Map([[2, address(two)]]));
    await connected(one, 2);
    expect(two.met).toMatchObject([{ ...said, yourDisk: "" }]);
    expect(one.met).toMatchObject([{ recorded: [], complete: false, yourDisk: "s1" }]);
    pins.set(2, "s2");
    said.complete = true;
    one.transport.greetAgain();
    await waitUntil("another Hello", () => Promise.resolve(two.met.length === 2));
    expect(two.met.at(-1)).toMatchObject({ ...said, complete: true, yourDisk: "s2" });
  });

  it("loses messages without a stream, and reports a snapshot that is lost with them", async () => {
    const one = await end(1);
    one.transport.send(newMessage("MsgSnap", { from: 1, to: 2 }));
    expect(one.snapshots).toEqual([false]);
    expect(() => one.transport.send(newMessage("MsgHup", { from: 1, to: 2 }))).toThrow(
      /expected a message between nodes/,
    );
  });

  it("reports a snapshot that waits for a peer whose address changes: its receiver would wait for ever", async () => {
    const [one, two] = [await end(1), await end(2)];
    const proxy = await FaultProxy.open({ host: "127.0.0.1", port: two.transport.port });
    open.add({ close: () => void proxy.close() });
    one.transport.setPeers(new Map([[2, `127.0.0.1:${proxy.port}`]]));
    await connected(one, 2);
    proxy.set({ up: "hold" });
    const entries = [newEntry({ index: 1, term: 1, data: new Uint8Array(64 * 1024) })];
    for (let index = 0; index < 100; index++) {
      one.transport.send(newMessage("MsgApp", { from: 1, to: 2, index, entries }));
    }
    one.transport.send(newMessage("MsgSnap", { from: 1, to: 2 }));
    expect(one.snapshots).toEqual([]);
    one.transport.setPeers(new Map([[2, address(two)]]));
    expect(one.snapshots).toEqual([false]);
    expect(one.unreachable).toContain(2);
  });

  it("I3: tells a node with another disk why it is refused, and takes no message of it", async () => {
    const two = await end(2, { directory: { ...nobody, storageOf: () => "another" } });
    const one = await end(1);
    one.transport.setPeers(new Map([[2, address(two)]]));
    await waitUntil("the refusal", () => Promise.resolve(one.refusals.length > 0));
    expect(one.refusals[0]).toMatchObject({ reason: "storage_replaced" });
    expect(one.refusals[0]?.message).toMatch(/expected storage another, got s1/);
    expect(two.turnedAway[0]?.reason).toBe("storage_replaced");
    expect(two.received).toEqual([]);
    expect(one.transport.connected()).toEqual([]);
  });

  it("I3: hears no more of a disk, and tells it nothing more, when it learns that the peer has another one", async () => {
    let known: string | undefined;
    const two = await end(2, { directory: { ...nobody, storageOf: () => known } });
    const one = await end(1);
    one.transport.setPeers(new Map([[2, address(two)]]));
    two.transport.setPeers(new Map([[1, address(one)]]));
    await Promise.all([connected(one, 2), connected(two, 1)]);
    one.transport.send(newMessage("MsgVoteResp", { from: 1, to: 2, term: 1 }));
    await waitUntil("the first message", () => Promise.resolve(two.received.length === 1));
    known = "another";
    one.transport.send(newMessage("MsgVoteResp", { from: 1, to: 2, term: 2 }));
    await waitUntil("the refusal", () => Promise.resolve(one.refusals.length > 0));
    expect(one.refusals[0]?.reason).toBe("storage_replaced");
    expect(two.received.map(({ term }) => term)).toEqual([1]);
    // Told of new members, it also ends its own stream to that disk.
    two.transport.setPeers(new Map([[1, address(one)]]));
    expect(two.transport.connected()).toEqual([]);
    expect(one.received).toEqual([]);
  });

  it("I3: ends streams that stand when it is told of the members", async () => {
    let known: string | undefined;
    const two = await end(2, { directory: { ...nobody, storageOf: () => known } });
    const one = await end(1);
    one.transport.setPeers(new Map([[2, address(two)]]));
    await connected(one, 2);
    known = "another";
    two.transport.setPeers(new Map());
    await waitUntil("the refusal", () => Promise.resolve(one.refusals.length > 0));
    expect(one.refusals[0]?.reason).toBe("storage_replaced");
  });

  it("X2: does not take another node for the one it meant to call", async () => {
    const [one, three] = [await end(1), await end(3)];
    one.transport.setPeers(new Map([[2, address(three)]]));
    await waitUntil("the refusal", () => Promise.resolve(one.refusals.length > 0));
    expect(one.refusals[0]?.reason).toBe("recipient");
    expect(one.transport.connected()).toEqual([]);
  });

  it("X3: ends the stream of a node that speaks for another, and drops what it said", async () => {
    const [one, two] = [await end(1), await end(2)];
    one.transport.setPeers(new Map([[2, address(two)]]));
    await connected(one, 2);
    one.transport.send(newMessage("MsgApp", { from: 3, to: 2 }));
    await waitUntil("the refusal", () => Promise.resolve(one.refusals.length > 0));
    expect(one.refusals[0]?.reason).toBe("sender");
    expect(two.received).toEqual([]);
  });

  it("lets a member in where strangers fill the port, and says of a stranger that it was turned away", async () => {
    const two = await end(2, { directory: { ...nobody, isMember: (id) => id <= 2 } });
    const { path, requestSerialize, responseDeserialize } = CONNECT;
    const clients = Array.from(
      { length: MOST_STANDING / 8 },
      () => new Client(address(two), credentials.createInsecure(), CHANNEL_OPTIONS),
    );
    for (const client of clients) open.add(client);
    const hello = (nodeId: number): Hello => ({
      ...{ clusterId: "tls-cluster", genesis: "g", bootCount: 1, timing: "100/10/0.1", peerEndpoint: "", echo: "" },
      ...{ protocolMin: 1, protocolMax: 1, to: 2, recorded: [], complete: false, yourDisk: "" },
      ...{ nodeId, storageId: `s${nodeId}`, incarnation: `start-${nodeId}` },
    });
    for (let stream = 0; stream < MOST_STANDING; stream++) {
      const client = clients[stream % clients.length] as Client;
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      call.on("error", () => {});
      call.on("data", () => {});
      call.write({ kind: "hello", hello: hello(100 + stream) });
    }
    await waitUntil("all strangers to stand", () => Promise.resolve(two.met.length === MOST_STANDING));
    const [one, late] = [await end(1), await end(3)];
    late.transport.setPeers(new Map([[2, address(two)]]));
    await waitUntil("another stranger to be turned away", () => Promise.resolve(late.refusals.length > 0));
    expect(late.refusals[0]).toMatchObject({ reason: "busy", message: expect.stringContaining("node 3 is no member") });
    expect(two.turnedAway[0]).toEqual(late.refusals[0]);
    one.transport.setPeers(new Map([[2, address(two)]]));
    await connected(one, 2);
  });

  it("takes only so many streams that have not said Hello, and goes on with those that do", async () => {
    const two = await end(2);
    const clients = Array.from(
      { length: 10 },
      () => new Client(address(two), credentials.createInsecure(), CHANNEL_OPTIONS),
    );
    for (const client of clients) open.add(client);
    const { path, requestSerialize, responseDeserialize } = CONNECT;
    const codes: number[] = [];
    for (let stream = 0; stream < MOST_GREETING + 6; stream++) {
      const client = clients[stream % clients.length] as Client;
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      call.on("error", ({ code }: ServiceError) => codes.push(code));
      call.on("data", () => {});
    }
    const full = () => codes.filter((code) => code === status.RESOURCE_EXHAUSTED).length;
    await waitUntil("those that are too many to be turned away", () => full() >= 6);
    const one = await end(1);
    one.transport.setPeers(new Map([[2, address(two)]]));
    await connected(one, 2);
    expect(full()).toBeGreaterThanOrEqual(6);
  });

  it("I5: binds its address exclusively", async () => {
    const one = await end(1);
    await expect(end(2, { listen: { host: "127.0.0.1", port: one.transport.port } })).rejects.toThrow(/EADDRINUSE/);
  });

  it("X1: refuses a routable address without TLS before anything is bound, unless that is allowed", async () => {
    await expect(end(1, { listen: { host: "0.0.0.0", port: 0 } })).rejects.toThrow(/without TLS/);
    await expect(end(1, { listen: { host: "node-1.example", port: 0 } })).rejects.toThrow(/allowInsecurePeer/);
    for (const host of ["localhost", "127.1.2.3", "::1"]) await end(1, { listen: { host, port: 0 } });
    await end(1, { listen: { host: "0.0.0.0", port: 0 }, allowInsecurePeer: true });
  });

  it("X1: carries messages under certificates that name the two nodes", async () => {
    const [one, two] = [await end(1, { tls: tls(1) }), await end(2, { tls: tls(2) })];
    one.transport.setPeers(new Map([[2, address(two)]]));
    await connected(one, 2);
    one.transport.send(newMessage("MsgVote", { from: 1, to: 2, term: 3 }));
    await waitUntil("the message", () => Promise.resolve(two.received.length === 1));
  });

  it("X1: refuses a caller whose certificate names another node", async () => {
    const two = await end(2, { tls: tls(2) });
    const one = await end(1, { tls: tls(3) });
    one.transport.setPeers(new Map([[2, address(two)]]));
    await waitUntil("the refusal", () => Promise.resolve(one.refusals.length > 0));
    expect(one.refusals[0]?.message).toMatch(
      /expected a certificate .*raft:\/\/tls-cluster\/1, got URI:raft:\/\/tls-cluster\/3/,
    );
    expect(two.met).toEqual([]);
  });

  it("X1: does not speak to a node whose certificate names another", async () => {
    const two = await end(2, { tls: tls(3) });
    const one = await end(1, { tls: tls(1) });
    one.transport.setPeers(new Map([[2, address(two)]]));
    await waitUntil("the failure", () => Promise.resolve(one.unreachable.length > 0));
    expect(one.transport.connected()).toEqual([]);
    expect(two.met).toEqual([]);
  });

  it("X1: lets nobody in without a certificate", async () => {
    const two = await end(2, { tls: tls(2) });
    const one = await end(1);
    one.transport.setPeers(new Map([[2, address(two)]]));
    await waitUntil("the failure", () => Promise.resolve(one.unreachable.length > 0));
    expect(two.met).toEqual([]);
  });

  it("I4: a copy of a running node's directory is found out, and both are refused", async () => {
    const three = await end(3);
    const identity = { clusterId: "tls-cluster", genesis: "g", nodeId: 1, storageId: "s1", timing: "100/10/0.1" };
    const original = await end(1, { identity: { ...identity, bootCount: 1, incarnation: "original" } });
    original.transport.setPeers(new Map([[3, address(three)]]));
    await connected(original, 3);
    const copy = await end(1, { identity: { ...identity, bootCount: 2, incarnation: "copy" } });
    copy.transport.setPeers(new Map([[3, address(three)]]));
    const cloned = ({ refusals }: End) => refusals.some(({ reason }) => reason === "cloned");
    // The original was told to repeat something, and that it could shows that it lives beside a later start.
    await waitUntil("the alarm on both sides", () => Promise.resolve(cloned(original) && cloned(copy)));
  });
});
