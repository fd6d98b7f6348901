// SPDX-License-Identifier: Apache-2.0
import {
  type EpochKnowledge,
  Reign,
  type ReignOptions,
  type RequiredAcksOptions,
  type WriteAdmission,
} from "../../src/index.ts";

/** What a node of the original knows when it campaigns: the epochs that live nodes advertise. */
export interface LiveKnowledge {
  readonly live: readonly bigint[];
}

/** F1: one above the live nodes, the dead leader left out. Of all that is known it reads only `live`. */
export function aboveTheLiving(knowledge: EpochKnowledge & LiveKnowledge): bigint {
  return ([...knowledge.live].sort((a, b) => Number(b - a))[0] ?? 0n) + 1n;
}

/** F2, F6: a refusal reaches nobody; the node stays what it was. */
export class IgnoresRefusals extends Reign {
  override fenced(): void {}
}

/** F2: a restart forgets what this node had promised and campaigned with. */
export class ForgetsOnRestart extends Reign {
  constructor(options: ReignOptions) {
    super({ ...options, fencerHighest: 0n, lastPersisted: 0n });
  }
}

/** F8: takes client writes whatever its role. */
export class WritesInAnyRole extends Reign {
  override admitWrite(): WriteAdmission {
    const { state } = this;
    return { ok: true, stamp: { epoch: state.role === "standby" ? 0n : state.epoch, owner: "anybody" } };
  }
}

/** F7: every sink that happens to be there, so none for a standby that was promoted. */
export function acksOfLiveSinks(options: RequiredAcksOptions & { readonly liveMembers: number }): number {
  return options.liveMembers;
}
