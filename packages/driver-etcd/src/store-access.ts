// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { Candidacy } from "./candidacy.ts";
import type { FencedStore } from "./fenced-store.ts";
import type { DriverConfig } from "./options.ts";
import type { Register } from "./register.ts";
import type { KeyValue } from "./wire/messages.ts";

/** How the optional stores of a driver reach etcd. */
export interface StoreAccess {
  readonly config: DriverConfig;
  readonly register: Register;
  readonly fenced: FencedStore;
  /** Admits a call, lets its caller leave early, and turns failures into `ConsensusError`. */
  call<T>(options: CallOptions | undefined, isWrite: boolean, work: () => Promise<T>): Promise<T>;
  /** The candidacy that leads in this epoch. @throws ConsensusError `not_leader` */
  leading(epoch: Epoch): Candidacy;
  /** Reads keys in one linearizable step, beside a look at the register. @throws ConsensusError `transient`, `permanent` */
  read(keys: readonly Uint8Array[]): Promise<readonly (KeyValue | undefined)[]>;
}
