// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, LeaseClock } from "@tsoracle/consensus";
import { systemTimers } from "@tsoracle/quorum";
import { type Ballot, mintBallot } from "./ballot.ts";
import type { OracleSettings } from "./options.ts";
import { PairWatch } from "./pair-watch.ts";
import type { Register } from "./register.ts";
import { runElection } from "./run-election.ts";
import { waitAfter } from "./succession.ts";

/**
 * A reign of an operator's command: elected by the same rules as a server, so that it is safe even if a server runs,
 * but it never grants. `work` is given the epoch and what the election saw, which is written back first.
 *
 * @throws ConsensusError `transient` if a server holds the nodes or too few answer; and what `work` throws.
 */
export async function reignAsOperator<T>(
  register: Register,
  { settings, nonce }: { readonly settings: OracleSettings; readonly nonce: bigint },
  work: (epoch: Ballot, highWater: number) => Promise<T>,
): Promise<T> {
  const clock = new LeaseClock();
  const { opTimeoutMs, terms } = settings;
  const answers = await Promise.all(register.nodes.map((node) => register.status(node)));
  const seen = answers.flatMap((answer) => (answer.kind === "ok" ? [answer.promised] : []));
  const ballot = mintBallot(seen, nonce);
  const end = await runElection(ballot, { register, clock, opTimeoutMs, timers: systemTimers });
  let clean = false;
  try {
    if (end.phase === "lost") {
      throw new ConsensusError(
        "transient",
        `could not take the nodes: ${end.why}. Stop every server of this oracle, wait ${terms.tenureMs} ms, and try again`,
      );
    }
    const { highWater, electors } = end.mandate;
    const result = await work(ballot, highWater);
    const nowNs = clock.monotonicNs();
    const wait = { terms, n: register.members.length, own: undefined, watch: new PairWatch(), nowNs };
    // It grants nothing, but may cut short no wait that was owed before it.
    clean = waitAfter(electors, { ...wait, durableBeats: false }).over(nowNs);
    return result;
  } finally {
    await register.round("a release", (node) => register.release(node, ballot, clean), "everybody");
  }
}
