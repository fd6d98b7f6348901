// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { MemberReading } from "./life.ts";
import type { QuorumSetup } from "./options.ts";
import { settledRead } from "./settled-read.ts";

/** Pause before members that disagreed are read again, in milliseconds. */
const AGAIN_MS = 10;

/**
 * The high-water as any node may read it, without writing. Reads again while a write is on its way to some members, and
 * while too few of them have a vote: what a member shows that lost its data is nothing. If all N are without one in two
 * reads, and hold the same, then nothing was written yet but what they were set up with, and that is the answer.
 *
 * @throws ConsensusError `transient` if too few answer in time or they do not come to agree; `permanent` if so many
 * failed for good that no read can succeed.
 */
export async function readSettled(setup: QuorumSetup): Promise<number> {
  const { policy, timers } = setup;
  const startMs = timers.monotonicMs();
  let deadlineMs = startMs + policy.ackTimeoutMs;
  let before: string | undefined;
  for (;;) {
    const { highWater, failure, mayFill, untouched } = await readOnce(
      setup,
      Math.max(0, deadlineMs - timers.monotonicMs()),
    );
    if (highWater !== undefined) return highWater;
    if (untouched !== undefined && untouched.lives === before) return untouched.highWater;
    before = untouched?.lives;
    // To begin a history, or to fill a member, takes several ways to the members.
    if (mayFill) deadlineMs = startMs + 2 * policy.ackTimeoutMs;
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
  /** What all N hold, if none of them has a vote and all hold the same, and the lives in which they do. */
  readonly untouched?: { readonly highWater: number; readonly lives: string } | undefined;
}

function readOnce({ members, policy, timers }: QuorumSetup, limitMs: number): Promise<Once> {
  const { n, w } = policy;
  return new Promise((resolve) => {
    const heard: number[] = [];
    const failures: string[] = [];
    let permanent = 0;
    const empty: (readonly [string, MemberReading])[] = [];
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
      resolve({ failure, mayFill: empty.length > 0 && !isPermanent, untouched: untouchedBy(empty, n) });
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
        (reading) => {
          if (reading.stage === "admitted") heard.push(reading.highWater);
          else {
            empty.push([member.id, reading]);
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

function untouchedBy(empty: readonly (readonly [string, MemberReading])[], n: number): Once["untouched"] {
  const [first] = empty;
  if (first === undefined || empty.length < n) return undefined;
  const { highWater } = first[1];
  if (empty.some(([, reading]) => reading.highWater !== highWater || reading.ballot > 0n)) return undefined;
  const lives = empty.map(([id, { life }]) => `${id} ${life}`).sort();
  return { highWater, lives: [...lives, highWater].join() };
}
