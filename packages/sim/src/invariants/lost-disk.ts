// SPDX-License-Identifier: Apache-2.0

import { hold } from "../violation.ts";
import type { SimProcess } from "../world/cluster.ts";

/**
 * I3: no node whose configuration names a member listens or speaks to a disk that was formatted anew under that member's id.
 * These are exactly the nodes that could count its votes, what it acknowledges and its answers to heartbeats, or tell it
 * anything that it could lead with. A node that lags and has never heard of the member may be spoken to, since it could
 * not tell the difference and counts nothing; it is asked again for every message, since it may learn of the member
 * while the stream stands.
 */
export function lostDiskIsNobody(who: SimProcess, listener: SimProcess): void {
  if (who !== who.node.impostor || listener.isClone || !listener.node.formed || !listener.started) return;
  const { voters, learners } = listener.replica.status().config;
  const counts = voters.incoming.has(who.id) || voters.outgoing.has(who.id) || learners.has(who.id);
  hold(!counts, "I3", () => `${listener.name} takes ${who.name} for the member whose disk it knows`);
}
