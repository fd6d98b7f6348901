// SPDX-License-Identifier: Apache-2.0
import { checkPeers } from "./peer-address.ts";
import { QuorumPolicy } from "./policy.ts";
import { QuorumError } from "./quorum-error.ts";

export interface QuorumSettings {
  /** How many copies must confirm a write; 0 turns quorum writes off. @defaultValue 0 */
  readonly quorum?: number;
  /** Addresses of the other copies; none turns quorum writes off. */
  readonly peers?: readonly string[];
  /** @defaultValue 2000 ms */
  readonly ackTimeoutMs?: number;
  /** How often peers are asked for what this node lacks; 0 is never. @defaultValue 30000 ms */
  readonly catchUpEveryMs?: number;
}

export interface ConfiguredPeer {
  readonly address: string;
  /** `peer-<i>`, for metrics. */
  readonly label: string;
}

export type QuorumConfig =
  | { readonly enabled: false }
  | {
      readonly enabled: true;
      readonly policy: QuorumPolicy;
      readonly peers: readonly ConfiguredPeer[];
      /** Undefined when it is off. */
      readonly catchUp: { readonly firstAfterMs: number; readonly everyMs: number } | undefined;
    };

const CATCH_UP_EVERY_MS = 30_000;
const CATCH_UP_FIRST_MS = 5_000;

/**
 * Settings, checked and completed: N is this node and its peers. Peers are checked even while the feature is off.
 * Source: `fencing-quorum-sessions.md` 2.6.
 *
 * @throws QuorumError `duplicate_peer`, `invalid_peer`, `invalid_policy`.
 */
export function quorumConfig(settings: QuorumSettings): QuorumConfig {
  const { quorum = 0, peers = [], ackTimeoutMs, catchUpEveryMs = CATCH_UP_EVERY_MS } = settings;
  checkPeers(peers);
  if (!Number.isSafeInteger(quorum) || quorum < 0) {
    throw QuorumError.invalidPolicy(`quorum must be a whole number from 0 (off) on, got ${String(quorum)}`);
  }
  if (!Number.isFinite(catchUpEveryMs) || catchUpEveryMs < 0) {
    throw QuorumError.invalidPolicy(`catchUpEveryMs must be a number from 0 (off) on, got ${String(catchUpEveryMs)}`);
  }
  if (quorum === 0 || peers.length === 0) return { enabled: false };
  const policy = new QuorumPolicy({
    n: 1 + peers.length,
    w: quorum,
    ...(ackTimeoutMs === undefined ? {} : { ackTimeoutMs }),
  });
  return {
    enabled: true,
    policy,
    peers: peers.map((address, index) => ({ address: address.trim().replace(/\/+$/, ""), label: `peer-${index}` })),
    catchUp: catchUpEveryMs === 0 ? undefined : { firstAfterMs: CATCH_UP_FIRST_MS, everyMs: catchUpEveryMs },
  };
}
