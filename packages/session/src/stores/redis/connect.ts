// SPDX-License-Identifier: Apache-2.0
import { majority, systemTimers } from "@tsoracle/quorum";
import { systemChance } from "./chance.ts";
import { lasting, type NodeFacts, type NodeObjection, passing } from "./node-facts.ts";
import type { RedisJournalConfig } from "./options.ts";
import { RedisNode, type RedisNodeOptions } from "./redis-node.ts";

/** Opens a connection to every node. Nothing is waited for. */
export function connectNodes(
  config: RedisJournalConfig,
  hooks: { readonly onChange?: (node: RedisNode) => void; readonly onSend?: RedisNodeOptions["onSend"] } = {},
): readonly RedisNode[] {
  const nodes: RedisNode[] = [];
  for (const address of config.addresses) {
    const node = new RedisNode({
      address,
      config,
      timers: systemTimers,
      chance: systemChance,
      judge: (label, facts) => neighbourObjection(label, facts, nodes),
      onChange: (changed) => {
        const { objection } = changed;
        if (objection !== undefined && (objection.lasting || objection.lost !== undefined)) {
          config.onWarning({ node: changed.label, message: objection.message });
        }
        // Others may have waited for this one, to make a majority.
        else if (objection === undefined) for (const other of nodes) if (other.isWaiting) void other.inspect();
        hooks.onChange?.(changed);
      },
      onSend: hooks.onSend,
    });
    nodes.push(node);
  }
  return nodes;
}

/** What speaks against a node once the others are seen: it is one of them, or belongs to other journals than they do. */
function neighbourObjection(label: string, facts: NodeFacts, nodes: readonly RedisNode[]): NodeObjection | undefined {
  const cluster = clusterOf(nodes);
  const { cid, nid } = facts.mark;
  if (cluster === undefined) {
    return passing("is up, and too few nodes are known yet to say whether it belongs to them");
  }
  if (cid !== cluster) return lasting("belongs to other journals than most of the nodes: correct the list of nodes");
  const twin = nodes.find((node) => node.label !== label && node.facts?.mark["nid"] === nid);
  if (twin !== undefined) return lasting(`is the same server as ${twin.label}: each node needs a server of its own`);
  return undefined;
}

/** The cluster id that a majority of all nodes shows. */
export function clusterOf(nodes: readonly RedisNode[]): string | undefined {
  const shown = nodes.flatMap((node) => node.facts?.mark["cid"] ?? []);
  return shown.find((cid) => shown.filter((other) => other === cid).length >= majority(nodes.length));
}
