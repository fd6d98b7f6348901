// SPDX-License-Identifier: Apache-2.0
import type { EpochBits } from "./epoch-domain.ts";
import type { EpochFencerOptions } from "./epoch-fencer.ts";
import { type FenceRecord, type FenceRefusal, type FenceVerdict, fenceRecord, judgeClaim } from "./fence-rule.ts";
import type { FenceStore } from "./fence-store.ts";
import { FenceStoreError } from "./fencing-errors.ts";
import { SerialQueue } from "./serial-queue.ts";

/** What a claim would lead to: it passes as it is, it passes after a durable promise, or it is fenced off. */
export type FenceClass =
  | { readonly kind: "admit" }
  | { readonly kind: "adopt" }
  | { readonly kind: "fence"; readonly refusal: FenceRefusal };

/** The outcome of a guarded write: its value, or why it was not even begun. */
export type GuardedOutcome<T> = { readonly ok: true; readonly advanced: boolean; readonly value: T } | FenceRefusal;

/**
 * An owned fence that survives restarts: it answers "accepted" only once the promise is durable, and
 * after a restart goes on from what was promised.
 *
 * - Checks are served one after the other, in the order in which they were made.
 * - When the store fails during an advance, the claim is not accepted and `held` stays as it was. The
 *   outcome is unknown, so the next check reads the store first: a promise that did become durable
 *   holds from then on. While the store cannot be read, nothing is accepted.
 * - The fence does not give up on a slow store. A store that may hang bounds its own calls.
 * - One fencer per record is enough to guard what this process writes. Where several processes write to
 *   one place, the predicate must be inside that write (`SqlFence`, `LuaFence`): a check before a
 *   write is not a fence.
 *
 * Source: `fencing-quorum-sessions.md` 3.3 and 3.4.
 */
export class DurableEpochFencer {
  readonly #store: FenceStore;
  readonly #bits: EpochBits;
  readonly #queue: SerialQueue = new SerialQueue();
  #held: FenceRecord | undefined;
  #inDoubt = false;

  private constructor(store: FenceStore, bits: EpochBits) {
    this.#store = store;
    this.#bits = bits;
  }

  /**
   * Opens the fence with what its store holds.
   *
   * @throws FenceStoreError `unavailable` or `store_malformed`.
   */
  static async open(store: FenceStore, options: EpochFencerOptions = {}): Promise<DurableEpochFencer> {
    const fencer = new DurableEpochFencer(store, options.bits ?? 64);
    await fencer.#reload();
    return fencer;
  }

  /** The promise in force, undefined while there is none. */
  get held(): FenceRecord | undefined {
    return this.#held;
  }

  /** The highest epoch that was accepted; 0 while there is none. */
  get highest(): bigint {
    return this.#held?.epoch ?? 0n;
  }

  /**
   * Judges a claim by the promise in force, without any effect. It does not wait for checks that are
   * under way: use it to sort and to report, never to let a write through.
   *
   * @throws FenceValueError `epoch_out_of_range`, `id_invalid`.
   */
  classify(epoch: bigint, owner: string): FenceClass {
    const verdict = judgeClaim(this.#held, fenceRecord(epoch, owner, this.#bits));
    if (!verdict.ok) return { kind: "fence", refusal: verdict };
    return { kind: verdict.advanced ? "adopt" : "admit" };
  }

  /**
   * The boundary where a stream opens: admits the owner in force, adopts a higher epoch (durable before
   * the answer), fences the rest.
   *
   * @throws FenceValueError as {@link classify}; FenceStoreError, in which case nothing was accepted.
   */
  async check(epoch: bigint, owner: string): Promise<FenceVerdict> {
    const claim = fenceRecord(epoch, owner, this.#bits);
    return await this.#queue.run(() => this.#decide(claim));
  }

  /**
   * The boundary where a record is applied: decides as {@link check} does and runs `write` before any
   * other claim is decided, so that no newer promise can slip in between the check and the write. A
   * stream that opened under an older epoch is fenced here at its next record.
   *
   * @throws what `write` throws, and what {@link check} throws. A write that never settles holds up all
   * later claims: a newer owner must not be told that it holds the fence while an older write is running.
   * For the same reason `write` must not wait for another call of this fence.
   */
  async guard<T>(epoch: bigint, owner: string, write: () => Promise<T>): Promise<GuardedOutcome<T>> {
    const claim = fenceRecord(epoch, owner, this.#bits);
    return await this.#queue.run(async () => {
      const verdict = await this.#decide(claim);
      return verdict.ok ? { ok: true, advanced: verdict.advanced, value: await write() } : verdict;
    });
  }

  async #decide(claim: FenceRecord): Promise<FenceVerdict> {
    if (this.#inDoubt) await this.#reload();
    const verdict = judgeClaim(this.#held, claim);
    if (!verdict.ok || !verdict.advanced) return verdict;
    const stored = await this.#raise(claim);
    this.#held = stored;
    // The store may have been ahead of us: a late write, or another process. Then it decides.
    const final = judgeClaim(stored, claim);
    return final.ok ? { ok: true, advanced: true } : final;
  }

  async #raise(claim: FenceRecord): Promise<FenceRecord> {
    this.#inDoubt = true;
    let answer: FenceRecord;
    try {
      answer = await this.#store.raise(claim);
    } catch (error) {
      throw new FenceStoreError(
        "not_persisted",
        `epoch ${claim.epoch} of owner ${JSON.stringify(claim.owner)} was not accepted: the store did not confirm it (${messageOf(error)}); retry with the same epoch and owner`,
        { cause: error },
      );
    }
    const stored = this.#checked(answer);
    if (stored.epoch < claim.epoch) throw regressed(claim.epoch, stored.epoch);
    this.#inDoubt = false;
    return stored;
  }

  async #reload(): Promise<void> {
    let answer: FenceRecord | undefined;
    try {
      answer = await this.#store.load();
    } catch (error) {
      throw new FenceStoreError(
        "unavailable",
        `nothing can be accepted: the store of the fence cannot be read (${messageOf(error)})`,
        { cause: error },
      );
    }
    const stored = answer === undefined ? undefined : this.#checked(answer);
    const held = this.#held;
    if (held !== undefined) {
      if (stored === undefined || stored.epoch < held.epoch) throw regressed(held.epoch, stored?.epoch);
      if (stored.epoch === held.epoch && stored.owner !== held.owner) {
        throw new FenceStoreError(
          "store_malformed",
          `the store binds epoch ${held.epoch} to ${JSON.stringify(stored.owner)}, and had confirmed it for ${JSON.stringify(held.owner)}`,
        );
      }
    }
    this.#held = stored;
    this.#inDoubt = false;
  }

  #checked(record: FenceRecord): FenceRecord {
    try {
      return fenceRecord(record.epoch, record.owner, this.#bits);
    } catch (error) {
      throw new FenceStoreError(
        "store_malformed",
        `the store of the fence holds something that is no record of it: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}

function regressed(expected: bigint, stored: bigint | undefined): FenceStoreError {
  return new FenceStoreError(
    "store_regressed",
    `the store of the fence should hold epoch ${expected} or more, and holds ${stored ?? "nothing"}; find out whether a backup was restored or the record was edited`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
