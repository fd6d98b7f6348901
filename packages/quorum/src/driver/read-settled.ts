// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { QuorumSetup } from "./options.ts";
import { settledRead } from "./settled-read.ts";

/** Pause before members that disagreed are read again, in milliseconds. */
const AGAIN_MS = 10;

/**
 * The high-water as any node may read it, without writing. Reads again while a write is on its way to some members, and
 * while too few of them have a vote: what a member shows that lost its data is nothing.
 *
 * @throws ConsensusError `transient` if too few answer in time or they do not come to agree; `permanent` if so many
 * failed for good that no read can succeed.
 */
export async function readSettled(setup: QuorumSetup): Promise<number> {
  const { policy, timers } = setup;
  const deadlineMs = timers.monotonicMs() + policy.ackTimeoutMs;
  for (;;) {
    const { highWater, failure, mayFill } = await readOnce(setup, Math.max(0, deadlineMs - timers.monotonicMs()));
    if (highWater !== undefined) return highWater;
    const isLate = timers.monotonicMs() >= deadlineMs;
    if (failure !== undefined && (isLate || !mayFill)) throw failure;
    if (isLate) {
      throw new ConsensusError(
        "transient",
        "the members that answer hold different high-waters, and no leader has settled it yet",
      );
    }
    await new Promise<void>((resolve) => {
      timers.after(AGAIN_MS, resolve);
    });
  }
}

interface Once {
  readonly highWater?: number | undefined;
  readonly failure?: ConsensusError | undefined;
  /** Whether it failed for members without a vote, which may be given one while this waits. */
  readonly mayFill?: boolean | undefined;
}

function readOnce({ members, policy, timers }: QuorumSetup, limitMs: number): Promise<Once> {
  const { n, w } = policy;
  return new Promise((resolve) => {
    const heard: number[] = [];
    const failures: string[] = [];
    let permanent = 0;
    let empty = 0;
    const finish = (): void => {
      cancel();
      if (heard.length >= w) {
        resolve({});
        return;
      }
      const silent = n - heard.length - failures.length;
      const why = [...failures, ...(silent > 0 ? [`${silent} did not answer in time`] : [])].join("; ");
      const message = `${heard.length} of ${n} members could be read, ${w} are needed: ${why}`;
      const isPermanent = n - permanent < w;
      const failure = new ConsensusError(isPermanent ? "permanent" : "transient", message);
      resolve({ failure, mayFill: empty > 0 && !isPermanent });
    };
    const cancel = timers.after(limitMs, finish);
    const count = (): void => {
      const highWater = settledRead(heard, n, w);
      if (highWater !== undefined) {
        cancel();
        resolve({ highWater });
      } else if (heard.length + failures.length === n) finish();
    };
    for (const member of members) {
      member.read().then(
        ({ stage, highWater }) => {
          if (stage === "admitted") heard.push(highWater);
          else {
            empty += 1;
            failures.push(`${member.id} holds nothing and has no vote until a leader has filled it`);
          }
          count();
        },
        (error: unknown) => {
          const failure = ConsensusError.from(error);
          if (failure.code === "permanent") permanent += 1;
          failures.push(`${member.id}: ${failure.message}`);
          count();
        },
      );
    }
  });
}
