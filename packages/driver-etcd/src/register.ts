// SPDX-License-Identifier: Apache-2.0
import type { PhysicalMs } from "@tsoracle/core";
import type { EtcdStore } from "./client/etcd-store.ts";
import { EtcdFailure } from "./failure.ts";
import type { OracleKeys } from "./keys.ts";
import type { DriverConfig } from "./options.ts";
import { decodeHighWater, decodeSettings } from "./records.ts";
import { range } from "./transactions.ts";
import type { KeyValue, TxnResponse } from "./wire/messages.ts";

/** What a driver needs to know of the register that it serves, all its life. */
export interface Binding {
  /** `create_revision(HW)`: another one is another register. */
  readonly hwRev: bigint;
}

type BoundConfig = Pick<DriverConfig, "keys" | "freshness" | "terms">;

/** The register of one oracle: binds to it once, and reads it. */
export class Register {
  readonly store: EtcdStore;
  readonly keys: OracleKeys;
  readonly #config: BoundConfig;
  #binding: Binding | undefined;
  #reading: Promise<Binding> | undefined;
  #covered = 0 as PhysicalMs;

  constructor(store: EtcdStore, config: BoundConfig) {
    this.store = store;
    this.keys = config.keys;
    this.#config = config;
  }

  /** What it is bound to; reads the store the first time. @throws EtcdFailure, ConsensusError */
  async bind(): Promise<Binding> {
    if (this.#binding !== undefined) return this.#binding;
    this.#reading ??= this.#read();
    try {
      this.#binding = await this.#reading;
      return this.#binding;
    } finally {
      this.#reading = undefined;
    }
  }

  /** The high-water without a fence, for those who do not lead. @throws EtcdFailure, ConsensusError */
  async load(): Promise<PhysicalMs> {
    const { hwRev } = await this.bind();
    const before = this.#covered;
    const { kvs } = await this.store.range({ key: this.keys.highWater });
    const [register] = kvs;
    if (register?.createRevision !== hwRev) throw this.replaced(register?.createRevision);
    return this.shown(decodeHighWater(register.value).highWater, before);
  }

  /** The largest high-water that any answer has shown. Take it before a call is sent. */
  get covered(): PhysicalMs {
    return this.#covered;
  }

  /**
   * Takes note of the high-water of an answer, and returns it. A store that was put back in time, with its revision moved
   * on as the runbook wants it, shows nothing else of it to a server that ran on.
   *
   * @param before {@link covered} from before the call was sent
   * @throws EtcdFailure `permanent` for a high-water that went back; that ends the use of this store
   */
  shown(highWater: PhysicalMs, before: PhysicalMs): PhysicalMs {
    if (highWater > this.#covered) this.#covered = highWater;
    if (highWater >= before) return highWater;
    throw this.store.halt(
      EtcdFailure.permanent(
        `the high-water of oracle ${this.keys.prefix} went back from ${before} to ${highWater}: the store was restored, or ` +
          "somebody else writes to it. Stop all servers and follow the runbook for a restore",
      ),
    );
  }

  /** RegisterReplaced: ends the use of this store, because nobody knows what the other register covers. */
  replaced(createRevision: bigint | undefined): EtcdFailure {
    const now =
      createRevision === undefined ? "it is gone" : `another one was made at revision ${createRevision} of the store`;
    return this.store.halt(
      EtcdFailure.permanent(
        `the register of oracle ${this.keys.prefix} was replaced: ${now}. Stop all servers and find out what was ` +
          "issued; then 'init' with a seed above all of that where it is gone, or 'fast-forward' where it is another",
      ),
    );
  }

  async #read(): Promise<Binding> {
    const { keys } = this.#config;
    const [register, settings] = foundIn(
      await this.store.txn({ compare: [], success: [range(keys.highWater), range(keys.settings)], failure: [] }),
    );
    if (register === undefined || settings === undefined) throw notThere(keys);
    decodeHighWater(register.value);
    this.#checkSettings(settings.value);
    return { hwRev: register.createRevision };
  }

  /** What is stored with the oracle holds for all of its servers. @throws EtcdFailure `permanent` */
  #checkSettings(bytes: Uint8Array): void {
    const stored = decodeSettings(bytes);
    const { freshness, terms, keys } = this.#config;
    const pairs = [
      ["freshness", stored.freshness, freshness],
      ["tenure", `${stored.terms.tenureMs} ms`, `${terms.tenureMs} ms`],
      ["drift", String(stored.terms.drift), String(terms.drift)],
    ] as const;
    for (const [name, there, here] of pairs) {
      if (there === here) continue;
      throw EtcdFailure.permanent(
        `oracle ${keys.prefix} was made with ${name} ${there}, and this server is configured with ${here}: configure all ` +
          "servers as the oracle was made",
      );
    }
    const { clusterId } = this.store;
    if (clusterId === stored.clusterId) return;
    throw EtcdFailure.permanent(
      `oracle ${keys.prefix} belongs to etcd cluster ${stored.clusterId.toString(16)}, and this is cluster ` +
        `${clusterId?.toString(16)}: correct the endpoints. After a restore, stop all servers and use 'fast-forward'`,
    );
  }
}

/** What the ranges of a transaction found, one key for each. */
export function foundIn(response: TxnResponse): readonly (KeyValue | undefined)[] {
  return response.responses.map(({ range: answer }) => answer?.kvs[0]);
}

export function notThere(keys: OracleKeys): EtcdFailure {
  return EtcdFailure.permanent(`there is no oracle ${keys.prefix} in this etcd: make it with 'init'`);
}
