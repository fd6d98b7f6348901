// SPDX-License-Identifier: Apache-2.0
import type { NodeFacts } from "./node-facts.ts";
import type { NodeFailure } from "./node-outcome.ts";
import type { OracleSettings } from "./options.ts";
import { RedisNode } from "./redis-node.ts";

/** Opens a connection to every node. Nothing is waited for. */
export function connectNodes(
  settings: OracleSettings,
  judge: (label: string, facts: NodeFacts) => NodeFailure | undefined,
): readonly RedisNode[] {
  const nodes: RedisNode[] = settings.addresses.map(
    (address) =>
      new RedisNode({
        address,
        key: settings.key,
        connectionName: `tso/${settings.name}`,
        opTimeoutMs: settings.opTimeoutMs,
        silenceMs: settings.terms.tenureMs,
        admit: (facts) => judge(address.label, facts),
        onChange: (failure) => {
          if (failure !== undefined && failure.why !== "unavailable") {
            settings.onWarning({ node: address.label, message: failure.message });
          }
          // A node may have waited for this one, to make a majority.
          else if (failure === undefined) for (const node of nodes) node.recheck();
        },
      }),
  );
  return nodes;
}

/** Waits until it is known of every node whether it may vote, or until time is up. */
export async function nodesKnown(nodes: readonly RedisNode[], timeoutMs: number): Promise<void> {
  await Promise.all(nodes.map((node) => node.settled(timeoutMs)));
}
