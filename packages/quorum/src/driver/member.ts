// SPDX-License-Identifier: Apache-2.0
import {
  type ConsensusDriver,
  ConsensusError,
  type DenseSequences,
  type LeaderState,
  type Tenure,
} from "@tsoracle/consensus";
import { type Epoch, physicalMs } from "@tsoracle/core";
import {
  ballotKey,
  drawLife,
  LIFE_KEY,
  type MemberReading,
  STAGE_STEPS,
  type Stage,
  stageKey,
  stageOf,
} from "./life.ts";

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
  #life = 0n;
  #isLooking = false;
  #naming: Promise<void> | undefined;

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

  /**
   * What it shows, read after the call began. The life is looked at again when all else was read: a life that is over
   * does not come back, so that what was read belongs together.
   */
  async read(): Promise<MemberReading> {
    const life = this.#life === 0n ? await this.#loadLife() : this.#life;
    const highWater = await this.driver.loadHighWater();
    if (life === 0n) return { life, stage: "empty", ballot: 0n, highWater };
    const [step, ballot] = await Promise.all([
      this.#sequences.load(stageKey(life)),
      this.#sequences.load(ballotKey(life)),
    ]);
    if ((await this.#loadLife()) !== life) return await this.read();
    this.#saw(ballot);
    return { life, stage: stageOf(step), ballot, highWater };
  }

  /** Gives the store's life a number if it has none. One attempt is under way at a time: two would add up. */
  name(epoch: Epoch): Promise<void> {
    this.#naming ??= this.#name(epoch).finally(() => {
      this.#naming = undefined;
    });
    return this.#naming;
  }

  async #name(epoch: Epoch): Promise<void> {
    if ((await this.#loadLife()) !== 0n) return;
    await this.#sequences.advance([{ key: LIFE_KEY, count: drawLife() }], epoch);
  }

  async #loadLife(): Promise<bigint> {
    this.#life = await this.#sequences.load(LIFE_KEY);
    return this.#life;
  }

  /**
   * Looks at the ballot again, unless a look is under way, and says whether it rose. Failures leave what was seen. Each
   * load is a write in some stores, and waits for the leader's: the life is looked at only where there is no ballot.
   */
  async look(): Promise<boolean> {
    if (this.#isLooking) return false;
    this.#isLooking = true;
    const before = this.#shown;
    try {
      const known = this.#life === 0n ? 0n : await this.#sequences.load(ballotKey(this.#life));
      if (known > 0n) this.#saw(known);
      else {
        const life = await this.#loadLife();
        if (life !== 0n) this.#saw(await this.#sequences.load(ballotKey(life)));
      }
    } catch {
      return false;
    } finally {
      this.#isLooking = false;
    }
    return this.#shown > before;
  }

  /**
   * Raises the ballot from what was read to at least `ballot`, in one step of the store that checks the epoch. It never
   * lowers anything, also when it lands late; in another life than the one that was read it does nothing.
   */
  async raise(read: Pick<MemberReading, "life" | "ballot">, ballot: bigint, epoch: Epoch): Promise<void> {
    const key = ballotKey(read.life);
    for (let at = read.ballot; at < ballot; ) {
      const step = ballot - at < STEP_MAX ? ballot - at : STEP_MAX;
      await this.#sequences.advance([{ key, count: Number(step) }], epoch);
      at += step;
    }
    this.#saw(ballot);
  }

  /**
   * Whether this ballot was written to it in this life, and no larger one since; asked after the call began. A member
   * that lost its data counts its epochs from the first again, so that two nodes may be let write in the same one: of
   * these, the larger ballot goes on.
   */
  async holds(life: bigint, ballot: bigint): Promise<boolean> {
    return (await this.#sequences.load(ballotKey(life))) === ballot;
  }

  /**
   * Its high-water, read after the call began, if it {@link holds} the ballot after that and is in this life still. A
   * store that lost its data since it showed no ballot would hold the first one just as well, without any life.
   */
  async heldWith(life: bigint, ballot: bigint): Promise<number | undefined> {
    const highWater = await this.driver.loadHighWater();
    const isHeld = (await this.holds(life, ballot)) && (await this.#loadLife()) === life;
    return isHeld ? highWater : undefined;
  }

  async setStage(life: bigint, stage: Exclude<Stage, "empty">, epoch: Epoch): Promise<void> {
    await this.#sequences.advance([{ key: stageKey(life), count: STAGE_STEPS[stage] }], epoch);
  }

  /**
   * Gives a member that was read as empty what its vote vouches for, and the vote last: a crash in between leaves it
   * without one. If it loses its data again in between, nothing of this counts in its next life.
   */
  async fill(read: MemberReading, highWater: number, ballot: bigint, epoch: Epoch): Promise<void> {
    await this.driver.persistHighWater(physicalMs(highWater), epoch);
    await this.raise(read, ballot, epoch);
    await this.setStage(read.life, "admitted", epoch);
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
