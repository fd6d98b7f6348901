// SPDX-License-Identifier: Apache-2.0
import {
  type ConsensusDriver,
  ConsensusError,
  type DenseSequences,
  type LeaderState,
  type Tenure,
} from "@tsoracle/consensus";
import { type Epoch, parseSeqKey, type SeqKey } from "@tsoracle/core";
import type { MemberReading } from "./candidacy.ts";

/** The counter in which each member keeps the largest ballot that was written to it. */
export const BALLOT_KEY: SeqKey = ballotKey("tsoracle.quorum.ballot");

/** The wire carries 32 bits, and a larger step than this is taken in several. */
const STEP_MAX = 2n ** 31n - 1n;

/** That this node leads a member, by the member's own word. */
export interface Led {
  readonly epoch: Epoch;
  readonly tenure?: Tenure | undefined;
}

/** One of the N drivers: what it says of leadership, and the ballots in its store. */
export class Member {
  readonly id: string;
  readonly driver: ConsensusDriver;
  readonly #sequences: DenseSequences;
  #state: LeaderState = { role: "unknown" };
  #end: { readonly error: unknown } | undefined;
  #yielded: Epoch | undefined;
  #shown = 0n;
  #isLooking = false;

  constructor(id: string, driver: ConsensusDriver, sequences: DenseSequences) {
    this.id = id;
    this.driver = driver;
    this.#sequences = sequences;
  }

  get state(): LeaderState {
    return this.#state;
  }

  /** The reign of this node in the member, if it has one and has not given it away. */
  get led(): Led | undefined {
    const state = this.#state;
    return state.role === "leader" && state.epoch !== this.#yielded ? state : undefined;
  }

  /** Why its stream is over, if it is: a fault, unless this driver is being disposed. */
  get end(): { readonly error: unknown } | undefined {
    return this.#end;
  }

  /** The largest ballot that was ever seen there. Ballots only rise, so an old look stays true. */
  get shown(): bigint {
    return this.#shown;
  }

  /** Follows the member's stream until the signal aborts; `changed` is called after each item and at the end. */
  async watch(signal: AbortSignal, changed: () => void): Promise<void> {
    let error: unknown = new ConsensusError("permanent", `the leadership stream of member ${this.id} ended`);
    try {
      for await (const state of this.driver.leadershipEvents({ signal })) {
        this.#state = state;
        changed();
      }
    } catch (thrown) {
      error = thrown;
    }
    this.#state = { role: "unknown" };
    this.#end = { error };
    changed();
  }

  /** Both numbers, read after the call began. */
  async read(): Promise<MemberReading> {
    const [ballot, highWater] = await Promise.all([this.#sequences.load(BALLOT_KEY), this.driver.loadHighWater()]);
    this.#saw(ballot);
    return { ballot, highWater };
  }

  /** Looks at the ballot again, unless a look is under way, and says whether it rose. Failures leave what was seen. */
  async look(): Promise<boolean> {
    if (this.#isLooking) return false;
    this.#isLooking = true;
    const before = this.#shown;
    try {
      this.#saw(await this.#sequences.load(BALLOT_KEY));
    } catch {
      return false;
    } finally {
      this.#isLooking = false;
    }
    return this.#shown > before;
  }

  /**
   * Raises the ballot from what was read to at least `ballot`, in one step of the store that checks the epoch. It never
   * lowers anything, also when it lands late.
   */
  async raise(from: bigint, ballot: bigint, epoch: Epoch): Promise<void> {
    for (let at = from; at < ballot; ) {
      const step = ballot - at < STEP_MAX ? ballot - at : STEP_MAX;
      await this.#sequences.advance([{ key: BALLOT_KEY, count: Number(step) }], epoch);
      at += step;
    }
    this.#saw(ballot);
  }

  /** Gives the member's leadership away, where the driver can. */
  async yield(reason: string): Promise<void> {
    const { led } = this;
    if (led === undefined || this.driver.resign === undefined) return;
    this.#yielded = led.epoch;
    try {
      await this.driver.resign(reason);
    } catch (error) {
      this.#yielded = undefined;
      throw error;
    }
  }

  #saw(ballot: bigint): void {
    if (ballot > this.#shown) this.#shown = ballot;
  }
}

function ballotKey(text: string): SeqKey {
  const parsed = parseSeqKey(text);
  if (!parsed.ok) throw new TypeError(`not a sequence key: ${text}`);
  return parsed.key;
}
