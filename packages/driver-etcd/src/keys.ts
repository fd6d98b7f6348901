// SPDX-License-Identifier: Apache-2.0
import type { SeqKey } from "@tsoracle/core";
import { invalid } from "./invalid.ts";

const utf8 = new TextEncoder();

/** Two names between slashes. Exactly two, so that no oracle lies within the keys of another. */
const PREFIX = /^\/[A-Za-z0-9._:-]{1,128}\/[A-Za-z0-9._:-]{1,128}\/?$/;

export const DEFAULT_PREFIX = "/tsoracle/main/";

/** Where the keys of one oracle are: `P = /<namespace>/<group>/` of `raft.md` 3.2, and what the driver keeps beside. */
export class OracleKeys {
  /** Ends in a slash. */
  readonly prefix: string;
  /** `P hw`: the register. Never with a lease (G4). */
  readonly highWater: Uint8Array;
  /** `P oracle`: what the oracle was made with. */
  readonly settings: Uint8Array;
  /** `P reign`: the last reign that began, its beat and whether it was released. Never with a lease. */
  readonly reign: Uint8Array;
  /** `P leases`: the client leases of the wire protocol, one document. */
  readonly leases: Uint8Array;
  /** `P seqs`: how many sequence keys there are; touched by every advance. */
  readonly sequences: Uint8Array;
  /** `P scratch`: written by an operator to move the store's revision. */
  readonly scratch: Uint8Array;
  /** `[P e/, P e0)`: the candidates. */
  readonly candidates: { readonly from: Uint8Array; readonly to: Uint8Array };

  /** @throws ConsensusError `permanent` */
  constructor(prefix: string = DEFAULT_PREFIX) {
    if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
      throw invalid(
        `expected prefix as /namespace/group/, two names of 1 to 128 letters, digits, ".", "_", ":" or "-", ` +
          `got ${JSON.stringify(prefix)}`,
      );
    }
    this.prefix = prefix.endsWith("/") ? prefix : `${prefix}/`;
    this.highWater = this.#key("hw");
    this.settings = this.#key("oracle");
    this.reign = this.#key("reign");
    this.leases = this.#key("leases");
    this.sequences = this.#key("seqs");
    this.scratch = this.#key("scratch");
    this.candidates = { from: this.#key("e/"), to: this.#key("e0") };
  }

  /** `P e/<leaseId in hex>`. */
  candidate(leaseId: bigint): Uint8Array {
    return this.#key(`e/${BigInt.asUintN(64, leaseId).toString(16)}`);
  }

  sequence(key: SeqKey): Uint8Array {
    return this.#key(`s/${key}`);
  }

  #key(name: string): Uint8Array {
    return utf8.encode(this.prefix + name);
  }
}
