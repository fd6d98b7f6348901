// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { PhysicalMs } from "@tsoracle/core";
import type { Candidacy } from "./candidacy.ts";
import { type Loaded, loaded, persisted, type Refusal, refusal } from "./outcomes.ts";
import { asEpoch } from "./records.ts";
import type { Register } from "./register.ts";
import { type Claim, covers, fencedWrite, readReign, t3Load, t4Persist, t5Resign } from "./transactions.ts";
import type { Compare, RequestOp, TxnResponse } from "./wire/messages.ts";

/**
 * The transactions that name a candidacy, with what their answers mean for it: who is fenced has lost it, and a register
 * that was replaced ends the use of the store.
 */
export class FencedStore {
  readonly #register: Register;

  constructor(register: Register) {
    this.#register = register;
  }

  /** T3. @throws EtcdFailure, ConsensusError `fenced` */
  async load(candidacy: Candidacy): Promise<PhysicalMs> {
    const { store, keys } = this.#register;
    const { hwRev } = await this.#register.bind();
    const before = this.#register.covered;
    const response = await store.txn(t3Load(keys, candidacy.claim, hwRev));
    return this.#held(candidacy, loaded(response, candidacy.claim, hwRev), before);
  }

  /** T4. @throws EtcdFailure, ConsensusError `fenced` */
  async persist(candidacy: Candidacy, atLeast: PhysicalMs): Promise<PhysicalMs> {
    const { store, keys } = this.#register;
    const { claim } = candidacy;
    const { hwRev } = await this.#register.bind();
    const before = this.#register.covered;
    const response = await store.txn(t4Persist(keys, claim, hwRev, atLeast));
    return this.#held(candidacy, persisted(response, claim, hwRev, atLeast), before);
  }

  /** Resolves to what the last reign left behind. @throws EtcdFailure, ConsensusError `fenced` */
  async lastReign(candidacy: Candidacy): Promise<TxnResponse> {
    const { store, keys } = this.#register;
    const { hwRev } = await this.#register.bind();
    const response = await store.txn(readReign(keys, candidacy.claim, hwRev));
    if (response.succeeded) return response;
    const why = refusal(response, candidacy.claim, hwRev);
    if (why.kind !== "unmet") throw this.#lost(candidacy, why);
    throw new TypeError("etcd refused a read although every comparison in it holds");
  }

  /**
   * Writes under the fence, and only if the register still covers what it was seen to cover. Resolves to whether it was
   * written; false where all that holds and one of `conditions` does not, so that nothing was.
   *
   * @throws EtcdFailure, ConsensusError `fenced`
   */
  async write(candidacy: Candidacy, conditions: readonly Compare[], writes: readonly RequestOp[]): Promise<boolean> {
    const { store, keys } = this.#register;
    const { claim } = candidacy;
    const { hwRev } = await this.#register.bind();
    const before = this.#register.covered;
    const response = await store.txn(fencedWrite(keys, claim, hwRev, [covers(keys, before), ...conditions], writes));
    if (response.succeeded) return true;
    const why = refusal(response, claim, hwRev);
    if (why.kind !== "unmet") throw this.#lost(candidacy, why);
    this.#register.shown(why.highWater, before);
    return false;
  }

  /** T5, and the end of the lease. @throws EtcdFailure when it is unknown whether the key is gone */
  async resign(claim: Claim, release: Uint8Array | undefined): Promise<void> {
    const { store, keys } = this.#register;
    try {
      await store.txn(t5Resign(keys, claim, release));
    } finally {
      // With the lease the key goes in any case, if only etcd hears of it.
      await store.leaseRevoke(claim.leaseId);
    }
  }

  #held(candidacy: Candidacy, outcome: Loaded, before: PhysicalMs): PhysicalMs {
    if (outcome.kind === "ok") return this.#register.shown(outcome.highWater, before);
    throw this.#lost(candidacy, outcome);
  }

  #lost(candidacy: Candidacy, why: Exclude<Refusal, { kind: "unmet" }>): Error {
    switch (why.kind) {
      case "replaced":
        return this.#register.replaced(why.found);
      case "fenced":
        candidacy.end("the store no longer has its key (T3, T4)");
        return new ConsensusError(
          "fenced",
          `epoch ${asEpoch(candidacy.claim.epoch)} was superseded: its key is gone from etcd; nothing was written`,
        );
      default:
        return why satisfies never;
    }
  }
}
