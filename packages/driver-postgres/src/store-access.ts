// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ConsensusError } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { DriverConfig } from "./options.ts";
import type { PgSession } from "./session.ts";

/** How the optional stores of a driver reach its one session. */
export interface StoreAccess {
  readonly config: DriverConfig;
  /** Admits a call, lets its caller leave early, and turns failures into `ConsensusError`. */
  call<T>(options: CallOptions | undefined, isWrite: boolean, work: () => Promise<T>): Promise<T>;
  /** The session, as soon as there is one. @throws ConsensusError `transient` or `permanent` */
  ready(): Promise<PgSession>;
  /** The session of a reign. @throws ConsensusError `not_leader` */
  sessionOf(epoch: Epoch): PgSession;
  /** Passes the commit gate of the server, so that what is read next is what would survive. */
  loadGate(session: PgSession): Promise<void>;
  /** Why a fenced write matched nothing; steps down if the reign is over. */
  fencedOut(session: PgSession, epoch: Epoch): Promise<ConsensusError>;
}
