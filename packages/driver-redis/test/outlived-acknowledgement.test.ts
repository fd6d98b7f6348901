// SPDX-License-Identifier: Apache-2.0
import { LeaseClock } from "@tsoracle/consensus";
import { systemTimers } from "@tsoracle/quorum";
import { useRedis, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Ballot, mintBallot } from "../src/ballot.ts";
import { nodesKnown, openRegister } from "../src/connect.ts";
import { Election } from "../src/election.ts";
import { checkOracleOptions } from "../src/options.ts";
import { admitClaimed, claimNode } from "../src/readmission.ts";
import type { RedisNode } from "../src/redis-node.ts";
import type { Register } from "../src/register.ts";
import { runElection } from "../src/run-election.ts";
import { Cluster } from "./cluster.ts";

vi.setConfig({ testTimeout: 60_000 });

const servers = useRedis({ beforeAll, afterAll }, 3);
/** Of the leader; the candidate's nonce is larger, so that its ballot of the same round is. */
const LEADER = 1n;
const CANDIDATE = 2n;

describe("an acknowledgement that has outlived its data, on real nodes", () => {
  it("does not elect: a candidate counts only nodes that still show its ballot", async () => {
    const cluster = await Cluster.create(servers());
    const settings = checkOracleOptions({ ...cluster.options, nodes: cluster.urls });
    const leader = openRegister(settings, { nonce: LEADER, endpoint: "l:1" });
    const candidate = openRegister(settings, { nonce: CANDIDATE, endpoint: "c:1" });
    const clock = new LeaseClock();
    const run = { clock, opTimeoutMs: settings.opTimeoutMs, timers: systemTimers };
    const of = (register: Register, index: number): RedisNode => register.nodes[index] as RedisNode;
    try {
      for (const { nodes } of [leader, candidate]) await nodesKnown(nodes, { answerMs: 5_000, absentMs: 5_000 });
      const first: Ballot = mintBallot([], LEADER);
      expect(await runElection(first, { register: leader, ...run })).toMatchObject({ phase: "elected" });
      const written = await leader.round("a persist", (node) => leader.persist(node, first, 100));
      expect(written.verdict.kind).toBe("met");
      await cluster.expireDampers();

      // The candidate's PREPARE reaches node 0 only. Then node 0 is wiped, and the leader admits it.
      const election = new Election(mintBallot([first], CANDIDATE), candidate.members);
      const prepare = async (index: number): Promise<void> => {
        const node = of(candidate, index);
        election.onPrepare(node.label, await candidate.prepare(node, election.epoch), clock.monotonicNs());
      };
      await prepare(0);
      await cluster.command(0, "DEL", cluster.key);
      await leader.status(of(leader, 0));
      await waitUntil("the leader to see that node 0 is empty", () => of(leader, 0).candidate !== undefined);
      const claim = await claimNode(of(leader, 0));
      if (!("nonce" in claim)) throw new Error("node 0 was not claimed");
      const second = mintBallot([first], LEADER);
      expect(await runElection(second, { register: leader, ...run })).toMatchObject({ phase: "elected" });
      expect(await admitClaimed(claim, { register: leader, epoch: second, highWater: 100 })).toEqual({ kind: "ok" });
      expect(election.epoch > second).toBe(true);

      // Now it reaches node 1, and has two acknowledgements: a majority, by the first round alone.
      await cluster.expireDampers();
      await waitUntil("the candidate to see node 0 again", async () => {
        await candidate.status(of(candidate, 0));
        return of(candidate, 0).facts !== undefined;
      });
      await prepare(1);
      expect(election.state).toMatchObject({ phase: "verifying", members: [of(leader, 0).label, of(leader, 1).label] });
      for (const index of [0, 1]) {
        const node = of(candidate, index);
        election.onStatus(node.label, await candidate.status(node));
      }
      expect(election.state.phase).toBe("lost");
      expect(await cluster.command(0, "HGET", cluster.key, "p")).toBe(second);

      // And the leader's majority is whole.
      const more = await leader.round("a persist", (node) => leader.persist(node, second, 200));
      expect(more.verdict.kind).toBe("met");
    } finally {
      leader.close();
      candidate.close();
    }
  });
});
