// SPDX-License-Identifier: Apache-2.0
import { Random } from "@tsoracle/conformance";
import { describe, expect, it } from "vitest";
import { CORRECT, type Server, SimulatedCluster, type Variant } from "./simulated-cluster.ts";

/** What happens between two steps of the schedule. */
type Between = () => void;

/**
 * The schedule of `postgres-redis.md` 4.4: C's first acknowledgement outlives the data it stands for, because n0 is
 * wiped and admitted again under a ballot of the same round by L, whose nonce is smaller.
 */
function outlivedAcknowledgement(cluster: SimulatedCluster, between: Between): void {
  const [leader, candidate] = cluster.servers as readonly [Server, Server];
  const with_ = (server: Server, ...nodes: readonly number[]): void => {
    for (const node of nodes) {
      cluster.exchange(server, node);
      between();
    }
  };
  // L leads with high-water 100 everywhere, and C has seen its round.
  leader.campaign();
  with_(leader, 0, 1, 2, 0, 1, 2);
  leader.persist(100);
  with_(leader, 0, 1, 2);
  candidate.campaign();
  with_(candidate, 0, 1, 2);
  candidate.campaign();
  // C's PREPARE reaches n0 only, so far; L knows nothing of it.
  with_(candidate, 0);
  cluster.wipe(0);
  leader.admit(0);
  with_(leader, 0);
  with_(leader, 1, 2, 1, 2);
  with_(leader, 0, 0);
  with_(candidate, 1);
  leader.persist(200);
  with_(leader, 0, 1, 2);
  with_(candidate, 0, 1, 0, 1);
  candidate.persist(150);
  with_(candidate, 0, 1, 2, 0, 1, 2);
}

/** Anything, in any order. */
function anything(cluster: SimulatedCluster, random: Random, steps: number): void {
  for (let step = 0; step < steps; step += 1) {
    const server = random.pick(cluster.servers as [Server, ...Server[]]);
    const empty = cluster.anyEmpty();
    // Few at a time, so that much is carried out and not all of it is fenced by what comes next.
    const isCalm = cluster.pending < 3 * cluster.nodes.length;
    if (isCalm && random.oneIn(40)) server.campaign();
    else if (isCalm && server.leads && random.oneIn(3)) server.persist(1 + random.below(400));
    else if (random.oneIn(60)) cluster.wipe(random.below(cluster.nodes.length));
    else if (random.oneIn(50)) cluster.nodes[random.below(cluster.nodes.length)]?.copy();
    else if (random.oneIn(55)) cluster.rollBack(random.below(cluster.nodes.length));
    else if (empty !== undefined && random.oneIn(6)) server.admit(empty);
    else if (random.oneIn(30)) cluster.loseAny(random);
    else cluster.deliverAny(random);
  }
}

/** The first of these runs that violates, and how. */
function firstViolation(runs: number, run: (random: Random) => SimulatedCluster): string | undefined {
  for (let seed = 1; seed <= runs; seed += 1) {
    const violation = run(new Random(seed)).violation();
    if (violation !== undefined) return `seed ${seed}: ${violation}`;
  }
  return undefined;
}

function randomly(n: number, variant: Variant, steps = 500): (random: Random) => SimulatedCluster {
  return (random) => {
    const cluster = new SimulatedCluster(n, 3, variant);
    anything(cluster, random, steps);
    return cluster;
  };
}

function aroundTheSchedule(variant: Variant): (random: Random) => SimulatedCluster {
  return (random) => {
    const cluster = new SimulatedCluster(3, 2, variant);
    outlivedAcknowledgement(cluster, () => {
      if (random.oneIn(12)) cluster.deliverAny(random);
    });
    anything(cluster, random, 40);
    return cluster;
  };
}

describe("an election whose acknowledgement outlived its data", () => {
  it("is lost: only one of the two counts n0", () => {
    const cluster = new SimulatedCluster(3, 2, CORRECT);
    outlivedAcknowledgement(cluster, () => {});
    expect(cluster.servers.map(({ leads }) => leads)).toEqual([true, false]);
    expect(Math.max(...cluster.granted.map(({ served }) => served))).toBe(200);
    expect(cluster.violation()).toBeUndefined();
  });

  it("hands out a range twice without the second round", () => {
    const cluster = new SimulatedCluster(3, 2, { ...CORRECT, statusRound: false });
    outlivedAcknowledgement(cluster, () => {});
    expect(cluster.violation()).toMatch(/served up to 200.* from 101 to/);
  });

  it("is found around that schedule too, without the second round only", () => {
    const runs = 1_500;
    expect(firstViolation(runs, aroundTheSchedule({ ...CORRECT, statusRound: false }))).toBeDefined();
    expect(firstViolation(runs, aroundTheSchedule(CORRECT))).toBeUndefined();
  });
});

describe("servers that stand, write and admit in any order", () => {
  it.each([3, 5])("never overlap on %i nodes, over wipes, old copies and lost messages", (n) => {
    expect(firstViolation(2_000, randomly(n, CORRECT))).toBeUndefined();
  });

  it("do reach what is to be tested: reigns that follow each other, and grants in several of them", () => {
    const serving = Array.from({ length: 200 }, (_, seed) => {
      const { granted } = randomly(3, CORRECT)(new Random(seed + 1));
      return granted.filter(({ floor, served }) => served > floor).length;
    });
    expect(serving.filter((reigns) => reigns >= 2).length).toBeGreaterThan(50);
  });

  const mutants: readonly (readonly [string, Partial<Variant>])[] = [
    ["persist returns the largest acknowledgement", { returns: "maximum" }],
    ["an empty node is admitted under the current epoch", { admission: "current ballot" }],
    ["an empty node formats itself", { admission: "automatic" }],
    ["a node is trusted that restarted with an old copy", { restarts: "trusted" }],
  ];
  it.each(mutants)("overlap when %s", (_, mutation) => {
    expect(firstViolation(20_000, randomly(3, { ...CORRECT, ...mutation }))).toBeDefined();
  });
});

describe("a thousand rapid elections of four candidates", () => {
  it.each([3, 5])("on %i nodes give no epoch twice, and no grants that overlap", (n) => {
    const random = new Random(n);
    const cluster = new SimulatedCluster(n, 4, CORRECT);
    for (let step = 0; cluster.granted.length < 1_000 && step < 2_000_000; step += 1) {
      const server = random.pick(cluster.servers as [Server, ...Server[]]);
      if (cluster.pending < 2 * n && random.oneIn(8)) server.campaign();
      else if (server.leads && cluster.pending < 4 * n) server.persist(step);
      else if (random.oneIn(50)) cluster.loseAny(random);
      else cluster.deliverAny(random);
    }
    expect(cluster.granted).toHaveLength(1_000);
    expect(new Set(cluster.granted.map(({ epoch }) => epoch)).size).toBe(1_000);
    expect(cluster.granted.filter(({ floor, served }) => served > floor).length).toBeGreaterThan(100);
    expect(cluster.violation()).toBeUndefined();
  });
});
