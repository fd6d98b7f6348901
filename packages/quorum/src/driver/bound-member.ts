// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs } from "@tsoracle/core";
import type { Led, Member } from "./member.ts";
import { answerOf, type MemberAnswer } from "./persist-count.ts";

/**
 * A member on which a reign rests, with the one member epoch under which it writes there, and the life of the store in
 * which it took the reign's ballot. A store that lost its data since does not have that ballot, whatever its epoch, or
 * has a newer one by now: so each answer counts only if this very ballot was there after it. One write is under way at
 * a time; those that come meanwhile go together as the next, so that a slow member costs memory for two.
 */
export class BoundMember {
  readonly member: Member;
  readonly epoch: Epoch;
  readonly #led: Led;
  readonly #life: bigint;
  readonly #ballot: bigint;
  #isRefused = false;
  #isLost = false;
  #running: Promise<MemberAnswer> | undefined;
  #next: { target: number; readonly answer: Promise<MemberAnswer> } | undefined;

  constructor(member: Member, led: Led, life: bigint, ballot: bigint) {
    this.member = member;
    this.epoch = led.epoch;
    this.#led = led;
    this.#life = life;
    this.#ballot = ballot;
  }

  /** Whether the member still says that this node leads it in this epoch, and was not seen without the ballot. */
  get isHeld(): boolean {
    return !this.#isLost && this.member.led?.epoch === this.epoch;
  }

  /** Whether the member has refused a write of this epoch, and so will refuse all to come. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Whether the tenure there still runs; without one, nobody else can lead the member while this node does. */
  get isValid(): boolean {
    return this.isHeld && this.#led.tenure?.valid() !== false;
  }

  async confirm(options: CallOptions | undefined): Promise<boolean> {
    const { tenure } = this.#led;
    if (!this.isValid) return false;
    if (tenure?.confirm !== undefined && !(await tenure.confirm(options))) return false;
    return (await this.#remembers()) && this.isValid;
  }

  /** Whether the store still shows the ballot, as in the life in which it took it; once it did not, it counts no more. */
  async #remembers(): Promise<boolean> {
    if (!(await this.member.holds(this.#life, this.#ballot))) this.#isLost = true;
    return !this.#isLost;
  }

  /** Raises the member's high-water. It never rejects, and is never taken back. */
  raise(target: number): Promise<MemberAnswer> {
    if (this.#next !== undefined) {
      this.#next.target = Math.max(this.#next.target, target);
      return this.#next.answer;
    }
    if (this.#running === undefined) return this.#send(target);
    const next = { target, answer: this.#running.then(() => this.#sendNext()) };
    this.#next = next;
    return next.answer;
  }

  #sendNext(): Promise<MemberAnswer> {
    const target = this.#next?.target ?? 0;
    this.#next = undefined;
    return this.#send(target);
  }

  #send(target: number): Promise<MemberAnswer> {
    const answer = this.#write(physicalMs(target), target).finally(() => {
      if (this.#running === answer) this.#running = undefined;
    });
    this.#running = answer;
    return answer;
  }

  async #write(atLeast: PhysicalMs, target: number): Promise<MemberAnswer> {
    try {
      const highWater = await this.member.driver.persistHighWater(atLeast, this.epoch);
      if (highWater < target) {
        const message = `the driver resolved to ${highWater}, less than the ${target} that it was asked for`;
        return { kind: "failed", error: new ConsensusError("permanent", message) };
      }
      return await this.#counted(highWater);
    } catch (error) {
      const answer = answerOf(error, this.epoch);
      if (answer.kind === "refused") this.#isRefused = true;
      return answer;
    }
  }

  /** An acknowledgement, if it came from the store that is bound. What else took the write keeps it, and has no vote. */
  async #counted(highWater: number): Promise<MemberAnswer> {
    let why =
      "it does not show the ballot of this reign any more: it has lost its data, or has taken a newer one, and is not " +
      "counted before it was filled or the next reign";
    try {
      if (await this.#remembers()) return { kind: "ack", highWater };
    } catch (error) {
      why = `it took the write, and then could not be asked for the ballot: ${ConsensusError.from(error).message}`;
    }
    return { kind: "failed", error: new ConsensusError("uncertain", why) };
  }
}
