// SPDX-License-Identifier: Apache-2.0
import { EtcdFailure } from "../failure.ts";
import type { ResponseHeader } from "../wire/messages.ts";

/**
 * What this process has seen of the cluster: which one it is (G2), and how far its revision had come. A store that shows
 * another id or an older revision is not the one that acknowledged what it acknowledged (L2).
 */
export class Witness {
  #clusterId: bigint | undefined;
  #revision = 0n;

  /** @param pinned the only cluster that is accepted; without it, the first that answers */
  constructor(pinned: bigint | undefined) {
    this.#clusterId = pinned;
  }

  get clusterId(): bigint | undefined {
    return this.#clusterId;
  }

  /** The largest revision of any linearizable answer so far. Take it before a call is sent. */
  get revision(): bigint {
    return this.#revision;
  }

  /** @throws EtcdFailure `permanent` for another cluster */
  checkCluster({ clusterId }: ResponseHeader): void {
    this.#clusterId ??= clusterId;
    if (this.#clusterId === clusterId) return;
    throw EtcdFailure.permanent(
      `this is etcd cluster ${clusterId.toString(16)} and not ${this.#clusterId.toString(16)}, which the oracle is bound ` +
        "to: correct the endpoints; after a restore, follow the runbook",
    );
  }

  /**
   * An answer that is linearizable shows everything that was answered before it was sent.
   *
   * @param before {@link revision} from before the call was sent
   * @throws EtcdFailure `permanent` for a revision that went backwards
   */
  checkRevision({ revision }: ResponseHeader, before: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
    if (revision >= before) return;
    throw EtcdFailure.permanent(
      `the revision of etcd went back from ${before} to ${revision}: the cluster was restored or began anew, and epochs ` +
        "could be issued twice. Stop all servers and follow the runbook for a restore",
    );
  }
}
