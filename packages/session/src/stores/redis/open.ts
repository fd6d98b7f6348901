// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import { majority, systemTimers } from "@tsoracle/quorum";
import { systemChance } from "./chance.ts";
import { connectNodes } from "./connect.ts";
import { mintNonce } from "./nonce.ts";
import { checkRedisOptions, type RedisJournalOptions } from "./options.ts";
import { Readmitter } from "./readmitter.ts";
import { RedisJournal } from "./redis-journal.ts";
import type { RedisNode, RedisNodeOptions } from "./redis-node.ts";
import { ReplicaGroup } from "./replica-group.ts";

/** What tests watch. */
export interface RedisJournalHooks {
  readonly onSend?: RedisNodeOptions["onSend"];
}

/**
 * Opens journals on N independent Redis nodes that `initRedisJournal` marked. What resolves is on a majority of them, on
 * disk, and survives the loss of every minority. Any number of processes may have them open. Resolves when a majority is
 * of use; after that nodes come and go by themselves.
 *
 * @throws JournalError `invalid` for an option; `permanent` where a person has to change something on a majority or a node
 * belongs elsewhere; `transient` when too few nodes can be reached
 */
export async function openRedisJournal(options: RedisJournalOptions): Promise<FencedJournal> {
  return await openWatched(options, {});
}

/** As {@link openRedisJournal}. */
export async function openWatched(options: RedisJournalOptions, hooks: RedisJournalHooks): Promise<FencedJournal> {
  const config = checkRedisOptions(options);
  let readmitter: Readmitter | undefined;
  let wake = (): void => {};
  const onChange = (): void => {
    readmitter?.look();
    wake();
  };
  const nodes = connectNodes(config, { onChange, onSend: hooks.onSend });
  readmitter = new Readmitter(nodes, config, { timers: systemTimers, chance: systemChance });
  const close = async (): Promise<void> => {
    await readmitter.close();
    for (const node of nodes) node.close();
  };
  try {
    await enough(nodes, config.callTimeoutMs, (listener) => {
      wake = listener;
    });
  } catch (error) {
    await close();
    throw error;
  }
  readmitter.look();
  const group = new ReplicaGroup({ nodes, timers: systemTimers, nonce: mintNonce(), chance: systemChance });
  return new RedisJournal({ group, limits: config.limits, callTimeoutMs: config.callTimeoutMs, close });
}

/** Waits until a majority is of use, or it is known that it is not. */
async function enough(
  nodes: readonly RedisNode[],
  limitMs: number,
  listen: (listener: () => void) => void,
): Promise<void> {
  const isEnough = (): boolean =>
    nodes.filter(({ objection }) => objection === undefined).length >= majority(nodes.length);
  await new Promise<void>((resolve) => {
    let open = nodes.length;
    // The last of a majority to show itself makes the others look again, which is a change of theirs.
    listen(() => {
      if (isEnough()) resolve();
    });
    for (const node of nodes) {
      void node.known(limitMs).then(() => {
        open -= 1;
        if (open === 0 || isEnough()) resolve();
      });
    }
  });
  listen(() => {});
  if (!isEnough()) await Promise.all(nodes.map((node) => (node.isWaiting ? node.inspect() : undefined)));
  const objections = nodes.flatMap(({ label, objection }) =>
    objection === undefined ? [] : [{ label, ...objection }],
  );
  const list = objections.map(({ label, message }) => `${label} ${message}`).join("; ");
  const lasting = objections.filter((objection) => objection.lasting).length;
  if (isEnough()) return;
  const isHopeless = nodes.length - lasting < majority(nodes.length);
  throw new JournalError(isHopeless ? "permanent" : "transient", `cannot use a majority of the Redis nodes: ${list}`);
}
