// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs } from "@tsoracle/core";
import type { Led, Member } from "./member.ts";
import { answerOf, type MemberAnswer } from "./persist-count.ts";

/**
 * A member on which a reign rests, with the one member epoch under which it writes there. One write is under way at a
 * time; those that come meanwhile go together as the next, so that a slow member costs memory for two.
 */
export class BoundMember {
  readonly member: Member;
  readonly epoch: Epoch;
  readonly #led: Led;
  #isRefused = false;
  #running: Promise<MemberAnswer> | undefined;
  #next: { target: number; readonly answer: Promise<MemberAnswer> } | undefined;

  constructor(member: Member, led: Led) {
    this.member = member;
    this.epoch = led.epoch;
    this.#led = led;
  }

  /** Whether the member still says that this node leads it in this epoch. */
  get isHeld(): boolean {
    return this.member.led?.epoch === this.epoch;
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
    if (this.isValid && tenure?.confirm !== undefined) return (await tenure.confirm(options)) && this.isValid;
    return this.isValid;
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
      if (highWater >= target) return { kind: "ack", highWater };
      const message = `the driver resolved to ${highWater}, less than the ${target} that it was asked for`;
      return { kind: "failed", error: new ConsensusError("permanent", message) };
    } catch (error) {
      const answer = answerOf(error, this.epoch);
      if (answer.kind === "refused") this.#isRefused = true;
      return answer;
    }
  }
}
