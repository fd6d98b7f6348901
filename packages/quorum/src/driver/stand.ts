// SPDX-License-Identifier: Apache-2.0
import type { QuorumPolicy } from "../policy.ts";
import type { Timers } from "../timers.ts";
import { Candidacy } from "./candidacy.ts";
import type { MemberReading } from "./life.ts";
import type { Led, Member } from "./member.ts";

export interface StandOptions {
  /** The members that this node leads, with the epochs that it was told. */
  readonly led: readonly (readonly [Member, Led])[];
  /** No ballot up to this one is minted. */
  readonly newest: bigint;
  /** The lives in which a first ballot may be minted, if it may. */
  readonly begun: ReadonlyMap<string, bigint> | undefined;
  readonly policy: QuorumPolicy;
  readonly timers: Timers;
}

export type StandResult =
  | {
      readonly kind: "won";
      readonly ballot: bigint;
      readonly highWater: number;
      /** The members that took the ballot, each in the life in which it did. */
      readonly bound: readonly (readonly [Member, Led, bigint])[];
    }
  | { readonly kind: "lost"; readonly ballot: bigint | undefined };

/** Carries out one {@link Candidacy} against the members. It never rejects, and gives up after the time of a round. */
export function stand({ led, newest, begun, policy, timers }: StandOptions): Promise<StandResult> {
  const candidacy = new Candidacy({ led: led.map(([{ id }]) => id), needed: policy.w, newest, begun });
  const written: (readonly [Member, Led, bigint])[] = [];
  const readings = new Map<Member, MemberReading>();
  let isWriting = false;
  return new Promise((resolve) => {
    const lose = (): void => resolve({ kind: "lost", ballot: candidacy.minted?.ballot });
    const cancel = timers.after(policy.ackTimeoutMs, lose);
    const conclude = (): void => {
      const { minted, outcome } = candidacy;
      if (outcome === "open") return;
      cancel();
      if (outcome === "lost" || minted === undefined) lose();
      else resolve({ kind: "won", ballot: minted.ballot, highWater: candidacy.highWater, bound: [...written] });
    };
    const write = async (place: readonly [Member, Led], ballot: bigint): Promise<void> => {
      const [member, led] = place;
      const reading = readings.get(member);
      if (reading === undefined) return;
      try {
        await member.raise(reading, ballot, led.epoch);
        candidacy.recordWritten(member.id);
        written.push([member, led, reading.life]);
      } catch {
        candidacy.recordFailure(member.id);
      }
      if (candidacy.isWritten) for (const [taker, , life] of written) void look(taker, life, ballot);
      conclude();
    };
    const look = async (member: Member, life: bigint, ballot: bigint): Promise<void> => {
      const highWater = await member.heldWith(life, ballot).catch(() => undefined);
      if (highWater === undefined) candidacy.recordFailure(member.id);
      else candidacy.recordHeld(member.id, highWater);
      conclude();
    };
    const writeOnceMinted = (): void => {
      const { minted } = candidacy;
      if (minted === undefined || isWriting) return;
      isWriting = true;
      for (const place of led) if (minted.members.includes(place[0].id)) void write(place, minted.ballot);
    };
    const read = async (member: Member): Promise<void> => {
      try {
        const reading = await member.read();
        readings.set(member, reading);
        candidacy.recordReading(member.id, reading);
      } catch {
        candidacy.recordFailure(member.id);
      }
      writeOnceMinted();
      conclude();
    };
    for (const [member] of led) void read(member);
  });
}
