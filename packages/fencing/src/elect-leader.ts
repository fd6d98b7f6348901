// SPDX-License-Identifier: Apache-2.0
import { checkId, compareIds } from "./node-id.ts";

/**
 * The smallest of the live ids by UTF-8 bytes, or undefined when there is none. Everybody who sees the
 * same set names the same leader; who sees another set may name another. It serves liveness only:
 * whoever is elected is safe to follow only once a durable fence has accepted its epoch.
 *
 * The order is that of the text: `node-10` comes before `node-2`. Duplicates are harmless.
 * Source: `fencing-quorum-sessions.md` 3.1.
 *
 * @throws FenceValueError `id_invalid` for an id that is empty, ill-formed or contains U+0000.
 */
export function electLeader(liveIds: Iterable<string>): string | undefined {
  let leader: string | undefined;
  for (const id of liveIds) {
    checkId(id, "a live id");
    if (leader === undefined || compareIds(id, leader) < 0) leader = id;
  }
  return leader;
}
