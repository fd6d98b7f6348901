// SPDX-License-Identifier: Apache-2.0
import type { JournalFence } from "@tsoracle/consensus";
import { systemTimers } from "@tsoracle/quorum";
import { describe, expect, it } from "vitest";
import { makeBallot } from "../../../src/stores/redis/ballot.ts";
import { CatchUp } from "../../../src/stores/redis/catch-up.ts";
import { Deadline } from "../../../src/stores/redis/group-errors.ts";
import { packEntry } from "../../../src/stores/redis/records.ts";
import type { ReplicaAnswer, ReplicaNode, ReplicaRequest } from "../../../src/stores/redis/replica.ts";
import { ReplicaGroup } from "../../../src/stores/redis/replica-group.ts";
import { ReplicatedSession } from "../../../src/stores/redis/replicated-session.ts";
import { firstHead, headAfter } from "../../../src/stores/redis/session-head.ts";
import { ModelNode } from "./sim/model-node.ts";

const a: JournalFence = { epoch: 1n, owner: "a" };
const ballot = makeBallot(0n, 1n, 1n);
const packed = packEntry({ ...a, ts: 0n, entry: new Uint8Array([7]) });
const head = headAfter(firstHead(a, false, "t1"), { kind: "append", fence: a, seq: 1 }, "t2");

/** Nodes with one session of one entry, and what some of them answer instead. */
function nodesWith(strange: Readonly<Record<string, (request: ReplicaRequest) => ReplicaAnswer | undefined>>) {
  const asked: string[] = [];
  const nodes: readonly ReplicaNode[] = ["n0", "n1", "n2"].map((label) => {
    const model = new ModelNode();
    const content = { head, snapshot: undefined, entries: new Map([[1, packed]]) };
    model.answer("s", { kind: "install", ballot, rev: 2, content });
    return {
      label,
      ask: async (id, request) => {
        asked.push(`${label} ${request.kind}`);
        return strange[label]?.(request) ?? model.answer(id, request);
      },
    };
  });
  return { nodes, asked };
}

function groupOf(nodes: readonly ReplicaNode[]): ReplicaGroup {
  return new ReplicaGroup({ nodes, timers: systemTimers, nonce: 2n, chance: () => 0.5 });
}

const soon = (): Deadline => new Deadline(systemTimers, 20_000);
/** What a node answers whose entries were removed behind its back. */
const withoutEntries = ({ kind }: ReplicaRequest): ReplicaAnswer | undefined =>
  kind === "content" ? { kind, rev: 2, content: { head, snapshot: undefined, entries: new Map() } } : undefined;
const unreadable = (): ReplicaAnswer => ({ kind: "broken", message: "holds something else" });

describe("a damaged copy on one Redis node", () => {
  it("is passed over when a node that lags is filled, and never ends the process", async () => {
    const { nodes } = nodesWith({ n0: unreadable, n1: unreadable });
    const lagging = nodes[2];
    if (lagging === undefined) throw new TypeError("three nodes");
    const only = new CatchUp("s", groupOf(nodes));
    await expect(only.bring(lagging, ballot, 2, soon())).resolves.toEqual({ kind: "lag" });
  });

  it("is not copied to others: another node's whole one is", async () => {
    const { nodes } = nodesWith({ n0: withoutEntries });
    const found = await groupOf(nodes).content("s", ["n0", "n1"], { ballots: [ballot] }, soon());
    expect(found?.content?.entries.size).toBe(1);
  });

  it("does not keep the others from serving, and is named when there is no other", async () => {
    const one = new ReplicatedSession("s", groupOf(nodesWith({ n0: withoutEntries }).nodes));
    expect((await one.load(soon())).entries).toHaveLength(1);
    const strange = { n0: withoutEntries, n1: withoutEntries, n2: withoutEntries };
    const all = new ReplicatedSession("s", groupOf(nodesWith(strange).nodes));
    await expect(all.load(soon())).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/entry 1 is missing.*n[012]/),
    });
  });

  /** Each node has what it wrote last under a ballot of its own, so that a copy has to be brought to the others. */
  const apart = (): readonly { readonly label: string; readonly model: ModelNode }[] =>
    ["n0", "n1", "n2"].map((label, index) => {
      const model = new ModelNode();
      const content = { head, snapshot: undefined, entries: new Map<number, Uint8Array>() };
      model.answer("s", { kind: "install", ballot: makeBallot(0n, BigInt(index + 1), 1n), rev: 2, content });
      return { label, model };
    });
  const asNode = ({ label, model }: { readonly label: string; readonly model: ModelNode }): ReplicaNode => ({
    label,
    ask: async (id, request) => model.answer(id, request),
  });

  it("is told as damage, and not as a session that others work on, where the copies differ and none is whole", async () => {
    const session = (): ReplicatedSession => new ReplicatedSession("s", groupOf(apart().map(asNode)));
    const told = { code: "permanent", message: expect.stringMatching(/no node has a whole copy.*entry 1 is missing/) };
    await expect(session().load(soon())).rejects.toMatchObject(told);
    await expect(session().settled(soon())).rejects.toMatchObject(told);
  });

  it("is no damage of the session while a node that may have a whole copy does not answer", async () => {
    const [n0, n1] = apart().map(asNode);
    const silent: ReplicaNode = {
      label: "n2",
      ask: async () => ({ kind: "failed", mayHaveRun: false, lasting: false, message: "is not reachable" }),
    };
    if (n0 === undefined || n1 === undefined) throw new TypeError("three nodes");
    const session = new ReplicatedSession("s", groupOf([n0, n1, silent]));
    const shortly = new Deadline(systemTimers, 1_500);
    await expect(session.load(shortly)).rejects.toMatchObject({ code: "transient" });
  });

  /** n0 and n1 are whole; a settler that ended there put the same on n2, under a ballot of its own, and that is damaged. */
  const halfSettled = () => {
    const models = [1n, 1n, 2n].map((counter) => {
      const model = new ModelNode();
      const content = { head, snapshot: undefined, entries: new Map([[1, packed]]) };
      model.answer("s", { kind: "install", ballot: makeBallot(0n, counter, counter), rev: 2, content });
      return model;
    });
    models[2]?.rot("s");
    // n2 is among the first majority to answer, always.
    const late = async (model: ModelNode, id: string, request: ReplicaRequest): Promise<ReplicaAnswer> => {
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      return model.answer(id, request);
    };
    const nodes = models.map((model, index) => ({
      label: `n${index}`,
      ask: (id: string, request: ReplicaRequest) =>
        index === 1 ? late(model, id, request) : Promise.resolve(model.answer(id, request)),
    }));
    return { models, nodes };
  };

  it("does not keep anybody from writing where a majority has a whole state, and is replaced", async () => {
    const { models, nodes } = halfSettled();
    const adopted = new Map<string, Set<string>>();
    const watched = nodes.map((node) => ({
      ...node,
      ask: (id: string, request: ReplicaRequest) => {
        if (request.kind === "adopt") {
          const { ballot: under, from, rev } = request;
          adopted.set(under, (adopted.get(under) ?? new Set()).add(`${from} ${rev}`));
        }
        return node.ask(id, request);
      },
    }));
    const session = new ReplicatedSession("s", groupOf(watched));
    expect((await session.load(soon())).entries).toHaveLength(1);
    await expect(session.settled(soon())).resolves.toMatchObject({ rev: 2, head: { nextSeq: 2 } });
    expect(models.map((model) => model.isRotten("s"))).toEqual([false, false, false]);
    // One ballot never names two states.
    expect([...adopted.values()].map(({ size }) => size)).toEqual(Array(adopted.size).fill(1));
    const next = new ReplicatedSession("s", groupOf(nodes));
    expect((await next.load(soon())).entries).toHaveLength(1);
  });

  it("is passed by only once every node has promised, and is no damage of the session until then", async () => {
    const { nodes } = halfSettled();
    const [n0, n1, n2] = nodes;
    if (n0 === undefined || n1 === undefined || n2 === undefined) throw new TypeError("three nodes");
    const hesitant: ReplicaNode = {
      label: "n1",
      ask: async (id, request) =>
        request.kind === "promise"
          ? { kind: "failed", mayHaveRun: false, lasting: false, message: "is not reachable" }
          : await n1.ask(id, request),
    };
    const shortly = new Deadline(systemTimers, 2_500);
    const session = new ReplicatedSession("s", groupOf([n0, hesitant, n2]));
    await expect(session.settled(shortly)).rejects.toMatchObject({ code: "transient" });
    expect((await session.load(soon())).entries).toHaveLength(1);
  });

  it("does not keep anybody from loading where it is the only one of the revision that a majority has", async () => {
    const [, n1] = halfSettled().nodes;
    const model = new ModelNode();
    const content = { head, snapshot: undefined, entries: new Map([[1, packed]]) };
    model.answer("s", { kind: "install", ballot, rev: 1, content });
    model.rot("s");
    const behind: ReplicaNode = { label: "n2", ask: async (id, request) => model.answer(id, request) };
    const nothing = new ModelNode();
    const empty: ReplicaNode = { label: "n0", ask: async (id, request) => nothing.answer(id, request) };
    if (n1 === undefined) throw new TypeError("three nodes");
    const session = new ReplicatedSession("s", groupOf([empty, n1, behind]));
    expect((await session.load(soon())).entries).toHaveLength(1);
    expect(model.isRotten("s")).toBe(false);
  });

  it("does not turn a collision with another process into damage", async () => {
    const { nodes } = nodesWith({ n0: unreadable });
    let collisions = 0;
    const busy = nodes.map((node) => ({
      ...node,
      ask: async (id: string, request: ReplicaRequest, limitMs: number): Promise<ReplicaAnswer> => {
        if (node.label !== "n1" || request.kind !== "promise" || collisions > 0) return node.ask(id, request, limitMs);
        collisions += 1;
        return { kind: "promised", ballot: makeBallot(0n, 9n, 9n) };
      },
    }));
    await expect(new ReplicatedSession("s", groupOf(busy)).settled(soon())).resolves.toMatchObject({ rev: 2 });
  });
});

describe("a Redis node that is silent", () => {
  it("is not waited for alone when its copy is wanted: another one that has the same is asked meanwhile", async () => {
    const { nodes, asked } = nodesWith({});
    const [first, ...others] = nodes;
    if (first === undefined) throw new TypeError("three nodes");
    const silent: ReplicaNode = { label: first.label, ask: () => new Promise(() => {}) };
    // Whatever is waited for is over at once; only an answer of the silent node would never come.
    const timers = {
      ...systemTimers,
      after: (_ms: number, run: () => void) => {
        const due = setImmediate(run);
        return () => clearImmediate(due);
      },
    };
    const group = new ReplicaGroup({ nodes: [silent, ...others], timers, nonce: 2n, chance: () => 0.5 });
    const found = await group.content("s", ["n0", "n1", "n2"], { ballots: [ballot] }, soon());
    expect(found?.content?.entries.size).toBe(1);
    expect(asked).toEqual(["n1 content"]);
  });
});
