// SPDX-License-Identifier: Apache-2.0
import {
  Allocator,
  type Epoch,
  epoch,
  type FailoverEffect,
  type FailoverEvent,
  FailoverMachine,
  type PhysicalMs,
  physicalMs,
} from "../src/index.ts";

/** One number and one epoch, each operation atomic. */
export class ModelStore {
  highWater = 0;
  epoch: Epoch = epoch(0n);

  persist(atLeast: number, under: Epoch): number | "fenced" {
    if (under !== this.epoch) return "fenced";
    this.highWater = Math.max(this.highWater, atLeast);
    return this.highWater;
  }
}

/** A store that forgets to look at the epoch. */
export class StoreWithoutEpochCheck extends ModelStore {
  override persist(atLeast: number): number {
    this.highWater = Math.max(this.highWater, atLeast);
    return this.highWater;
  }
}

/** A driver call under way: performed by the store at one step, answered at a later one. */
interface Call {
  perform(): void;
  /** `lost` answers that the outcome is unknown, although the store may have done it. */
  answer(lost: boolean): void;
  performed: boolean;
}

export interface Issued {
  readonly first: bigint;
  readonly last: bigint;
  readonly epoch: Epoch;
}

/** A server cut down to what decides about timestamps: machine, allocator, gate and calls. */
export class ModelNode {
  readonly #store: ModelStore;
  readonly #machine = new FailoverMachine({ failoverAdvanceMs: 3 });
  readonly #allocator: Allocator;
  readonly #items: FailoverEvent[] = [];
  #calls: Call[] = [];
  #extending = false;
  #waitingDrain: number | undefined;
  #gateShut = false;
  #reign = -1;
  clockMs = 0;

  constructor(store: ModelStore, allocator: Allocator = new Allocator()) {
    this.#store = store;
    this.#allocator = allocator;
  }

  /** Queues a leadership item; it arrives when the schedule says so. */
  tell(event: FailoverEvent): void {
    this.#items.push(event);
  }

  hear(): void {
    const event = this.#items.shift();
    if (event !== undefined) this.#step(event);
  }

  /** Lets the store perform the call number `pick`, or the answer of a performed call come back. */
  progress(pick: number, lost: boolean): void {
    const call = this.#calls[pick % Math.max(1, this.#calls.length)];
    if (call === undefined) return;
    if (!call.performed && !lost) {
      call.performed = true;
      call.perform();
      return;
    }
    this.#calls = this.#calls.filter((other) => other !== call);
    call.answer(lost);
  }

  grant(count: number): Issued | undefined {
    const result = this.#allocator.tryGrant(this.clockMs, count);
    if (!result.ok) return undefined;
    return { first: result.grant.first(), last: result.grant.last(), epoch: result.grant.epoch };
  }

  extend(): void {
    if (this.#extending || this.#gateShut) return;
    const wanted = this.#allocator.prepareWindowExtension(this.clockMs, 3);
    if (!wanted.ok) return;
    const reign = this.#reign;
    this.#extending = true;
    this.#call(
      () => this.#store.persist(wanted.atLeast, wanted.epoch),
      (answer) => {
        this.#extending = false;
        if (answer === "fenced") this.#step({ type: "deposed", reign });
        else if (answer !== "lost") this.#allocator.commitWindowExtension(physicalMs(answer), wanted.epoch);
        this.#finishDrain();
      },
    );
  }

  #call(perform: () => number | "fenced", answered: (answer: number | "fenced" | "lost") => void): void {
    let outcome: number | "fenced" | undefined;
    this.#calls.push({
      performed: false,
      perform: () => {
        outcome = perform();
      },
      answer: (lost) => answered(lost || outcome === undefined ? "lost" : outcome),
    });
  }

  #finishDrain(): void {
    const token = this.#waitingDrain;
    if (token === undefined || this.#extending) return;
    this.#waitingDrain = undefined;
    this.#step({ type: "drained", token });
  }

  #step(event: FailoverEvent): void {
    for (const effect of this.#machine.step(event)) this.#perform(effect);
    this.#finishDrain();
  }

  #perform(effect: FailoverEffect): void {
    switch (effect.type) {
      case "clear":
        this.#allocator.stepDown();
        break;
      case "drain":
        this.#gateShut = true;
        this.#waitingDrain = effect.token;
        break;
      case "load":
        this.#call(
          () => this.#store.highWater,
          (answer) => this.#answer(effect.token, answer, "loaded"),
        );
        break;
      case "persist":
        this.#call(
          () => this.#store.persist(effect.atLeast, effect.epoch),
          (answer) => this.#answer(effect.token, answer, "persisted"),
        );
        break;
      case "serve":
        this.#allocator.becomeLeader(effect.window);
        this.#reign = effect.reign;
        this.#gateShut = false;
        break;
      case "release_gate":
        this.#gateShut = false;
        this.#waitingDrain = undefined;
        break;
      case "back_off":
        this.tell({ type: "backoff_elapsed", token: effect.token });
        break;
      case "stop":
        throw new Error(`the machine stopped: ${JSON.stringify(effect.reason)}`);
      case "report_retry":
      case "report_transition":
        break;
      default:
        effect satisfies never;
    }
  }

  #answer(token: number, answer: number | "fenced" | "lost", type: "loaded" | "persisted"): void {
    if (answer === "lost") {
      this.#step({ type: "refused", token, refusal: { kind: "transient", error: new Error("lost") } });
    } else if (answer === "fenced") {
      this.#step({ type: "refused", token, refusal: { kind: "stepped_down" } });
    } else if (type === "loaded") {
      this.#step({ type, token, highWater: answer as PhysicalMs, leases: [], nowMs: this.clockMs });
    } else {
      this.#step({ type, token, highWater: answer as PhysicalMs });
    }
  }
}
