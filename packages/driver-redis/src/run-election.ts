// SPDX-License-Identifier: Apache-2.0
import type { LeaseClock } from "@tsoracle/consensus";
import type { Timers } from "@tsoracle/quorum";
import type { Ballot } from "./ballot.ts";
import { Election, type ElectionState } from "./election.ts";
import type { RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";

export interface ElectionRun {
  readonly register: Register;
  readonly clock: LeaseClock;
  /** How long each of the two rounds may take, in milliseconds. */
  readonly opTimeoutMs: number;
  readonly timers: Timers;
}

/** The end of an election. */
export type ElectionEnd = Extract<ElectionState, { phase: "elected" | "lost" }>;

/** Carries out one candidacy: PREPARE once to each node, then STATUS to those that promised. Never rejects. */
export async function runElection(ballot: Ballot, run: ElectionRun): Promise<ElectionEnd> {
  const { register, clock } = run;
  const election = new Election(ballot, register.members);
  await phase(election, "preparing", register.nodes, run, async (node) => {
    const outcome = await register.prepare(node, ballot);
    election.onPrepare(node.label, outcome, clock.monotonicNs());
  });
  if (election.state.phase === "verifying") {
    const { members } = election.state;
    const nodes = register.nodes.filter(({ label }) => members.includes(label));
    await phase(election, "verifying", nodes, run, async (node) => {
      election.onStatus(node.label, await register.status(node));
    });
  }
  const { state } = election;
  if (state.phase === "elected" || state.phase === "lost") return state;
  throw new TypeError(`an election that is over is ${state.phase}`);
}

/** Asks the nodes of one phase until the machine leaves it, or time is up. */
function phase(
  election: Election,
  name: "preparing" | "verifying",
  nodes: readonly RedisNode[],
  { opTimeoutMs, timers }: ElectionRun,
  ask: (node: RedisNode) => Promise<void>,
): Promise<void> {
  return new Promise((resolve) => {
    const cancel = timers.after(opTimeoutMs, () => {
      if (election.state.phase === name) election.onTimeout();
      resolve();
    });
    for (const node of nodes) {
      void ask(node).then(() => {
        if (election.state.phase === name) return;
        cancel();
        resolve();
      });
    }
  });
}
