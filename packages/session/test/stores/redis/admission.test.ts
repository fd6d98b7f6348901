// SPDX-License-Identifier: Apache-2.0
import type { JournalFence } from "@tsoracle/consensus";
import { systemTimers } from "@tsoracle/quorum";
import { describe, expect, it } from "vitest";
import { type AdmissibleNode, type AdmissionTerms, readmit } from "../../../src/stores/redis/admission.ts";
import { floorOf, makeBallot, NO_BALLOT } from "../../../src/stores/redis/ballot.ts";
import { Deadline } from "../../../src/stores/redis/group-errors.ts";
import { ReplicaGroup } from "../../../src/stores/redis/replica-group.ts";
import { ReplicatedSession } from "../../../src/stores/redis/replicated-session.ts";
import { firstHead } from "../../../src/stores/redis/session-head.ts";
import { ManualTimers } from "../../manager/manual-timers.ts";
import { ModelNode } from "./sim/model-node.ts";

const a: JournalFence = { epoch: 1n, owner: "a" };

/** Nodes without faults, each with what it does differently. */
function clusterOf(
  count: number,
  changes: Readonly<Record<number, (node: ModelNode) => Partial<AdmissibleNode>>> = {},
) {
  const models = Array.from({ length: count }, () => new ModelNode());
  const nodes: readonly AdmissibleNode[] = models.map((model, index) => ({
    label: `n${index}`,
    ask: async (id, request) => model.answer(id, request),
    floor: async () => model.floor,
    raiseFloor: async (floor) => model.raiseFloor(floor),
    sessions: async () => model.sessions(),
    begin: async (floor, admission) => model.begin(floor, admission),
    goesOn: async (admission) => model.goesOn(admission),
    giveUp: async () => {},
    finish: async (admission, floor) => model.finish(admission, floor),
    ...changes[index]?.(model),
  }));
  return { models, nodes, terms: termsOf(nodes) };
}

function termsOf(nodes: readonly AdmissibleNode[]): AdmissionTerms {
  const deadline = (): Deadline => new Deadline(systemTimers, 20_000);
  return { nodes, timers: systemTimers, nonce: 7n, chance: () => 0.5, deadline };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`there is no ${index}`);
  return found;
}

describe("the readmission of a Redis node", () => {
  it("keeps out what the node promised before it forgot, also if it was filled and forgot again meanwhile", async () => {
    let late = NO_BALLOT;
    let isFirst = true;
    const { models, nodes, terms } = clusterOf(3, {
      2: (model) => ({
        begin: async (floor, admission) => {
          if (isFirst) {
            isFirst = false;
            await readmit(at(nodes, 2), { ...terms, nonce: 8n });
            late = makeBallot(model.floor ?? 0n, 1n, 9n);
            expect(model.answer("new", { kind: "promise", ballot: late }).kind).toBe("head");
            model.wipe();
          }
          return model.begin(floor, admission);
        },
      }),
    });
    at(models, 2).wipe();
    await readmit(at(nodes, 2), terms);
    // The ballot has the floor of the life that the node forgot last.
    for (const model of models) expect(model.answer("new", { kind: "promise", ballot: late }).kind).toBe("floor");
  });

  it("does not believe the list of a node that forgot while it was listed", async () => {
    const { models, nodes, terms } = clusterOf(3, {
      1: (model) => ({
        sessions: async () => {
          model.wipe();
          return model.sessions();
        },
      }),
    });
    const content = { head: firstHead(a, false, "t"), snapshot: undefined, entries: new Map() };
    const install = { kind: "install", ballot: makeBallot(0n, 1n, 1n), rev: 1, content } as const;
    for (const index of [1, 2]) at(models, index).answer("s", install);
    at(models, 2).wipe();
    await expect(readmit(at(nodes, 2), terms)).rejects.toMatchObject({ code: "transient" });
    expect(at(models, 2).votes).toBe(false);
  });

  it("says that it goes on while it lists the sessions of the others, now and then", async () => {
    const timers = new ManualTimers();
    let told = 0;
    const { models, nodes, terms } = clusterOf(3, {
      1: (model) => ({
        sessions: async (onPage) => {
          const before = told;
          await onPage?.();
          expect(told).toBe(before);
          timers.advance(1_500);
          await onPage?.();
          expect(told).toBe(before + 1);
          return model.sessions();
        },
      }),
      2: (model) => ({
        goesOn: async (admission) => {
          told += 1;
          return model.goesOn(admission);
        },
      }),
    });
    at(models, 2).wipe();
    await readmit(at(nodes, 2), { ...terms, timers });
    expect(at(models, 2).votes).toBe(true);
  });

  it("is given up between two sessions when the journals are closed", async () => {
    const { models, nodes, terms } = clusterOf(3);
    const group = new ReplicaGroup({ ...terms, nonce: 1n });
    for (const id of ["s", "t"]) await new ReplicatedSession(id, group).settled(terms.deadline());
    at(models, 2).wipe();
    await expect(readmit(at(nodes, 2), { ...terms, isOver: () => true })).rejects.toMatchObject({ code: "transient" });
    expect(at(models, 2).votes).toBe(false);
  });
});

describe("the floor of a ballot", () => {
  it("is on a majority before the ballot is used, so that whoever readmits a node hears of it", async () => {
    const seen: number[] = [];
    const { models, nodes, terms } = clusterOf(5);
    const watched = nodes.map((node) => ({
      ...node,
      ask: async (...call: Parameters<AdmissibleNode["ask"]>) => {
        const [, request] = call;
        if (request.kind === "promise" && floorOf(request.ballot) === 1n) {
          seen.push(models.filter(({ floor }) => floor === 1n).length);
        }
        return await node.ask(...call);
      },
    }));
    // A readmission reached one node, and ended there.
    at(models, 0).raiseFloor(1n);
    const group = new ReplicaGroup({ ...terms, nodes: watched });
    const session = new ReplicatedSession("s", group);
    await session.settled(terms.deadline());
    await session.settled(terms.deadline());
    expect(seen.length).toBeGreaterThan(0);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(3);
  });

  it("ends where another one took its place, and says so where it ends otherwise", async () => {
    const givenUp: string[] = [];
    const { models, nodes, terms } = clusterOf(3, {
      0: (model) => ({
        goesOn: async (admission) => {
          model.begin(1n, "another");
          return model.goesOn(admission);
        },
        giveUp: async (admission) => void givenUp.push(admission),
      }),
    });
    const session = new ReplicatedSession("s", new ReplicaGroup(terms));
    await session.settled(terms.deadline());
    at(models, 0).wipe();
    await expect(readmit(at(nodes, 0), terms)).rejects.toMatchObject({ code: "transient" });
    expect(givenUp).toHaveLength(1);
    expect(at(models, 0).goesOn("another")).toBe(true);
  });
});
