// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { majority, systemTimers } from "@tsoracle/quorum";
import { Admission } from "./admission.ts";
import { systemChance } from "./chance.ts";
import type { NodeFacts } from "./node-facts.ts";
import type { NodeFailure } from "./node-outcome.ts";
import { driftPpm, type OracleSettings } from "./options.ts";
import { type Patience, RedisNode } from "./redis-node.ts";
import { Register } from "./register.ts";

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
        timers: systemTimers,
        chance: systemChance,
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

/** Waits until it is known of every node whether it may vote, until `isDecided` by some of them, or until time is up. */
export function nodesKnown(
  nodes: readonly RedisNode[],
  patience: Patience,
  isDecided: () => boolean = () => false,
): Promise<void> {
  return new Promise((resolve) => {
    let open = nodes.length;
    for (const node of nodes) {
      void node.settled(patience).then(() => {
        open -= 1;
        if (open === 0 || isDecided()) resolve();
      });
    }
  });
}

export interface ConnectOptions {
  /** Of this process; every write says whose it is. */
  readonly nonce: bigint;
  /** Where clients reach this process; empty if they do not. */
  readonly endpoint: string;
  /** How long to wait for nodes at the start. */
  readonly patience: Patience;
  /** How long each round waits for a connection that is gone, in milliseconds. @defaultValue most of a round */
  readonly roundConnectMs?: number;
}

/** Opens the register that was made on these nodes, whatever they answer. */
export function openRegister(settings: OracleSettings, options: Omit<ConnectOptions, "patience">): Register {
  const { terms, freshness, acceptDataLoss, trustRestart, opTimeoutMs, addresses } = settings;
  const fixed = { n: addresses.length, tenureMs: terms.tenureMs, freshness, trustRestart };
  const expected = { ...fixed, driftPpm: driftPpm(terms) };
  const admission = new Admission(expected, acceptDataLoss);
  const nodes = connectNodes(settings, (label, facts) => admission.judge(label, facts));
  const holder = { id: options.nonce.toString(16).padStart(16, "0"), endpoint: options.endpoint };
  // Shorter than a round, so that the round hears why a node could not even be asked.
  const { roundConnectMs = opTimeoutMs * 0.75 } = options;
  return new Register(nodes, holder, { opTimeoutMs, connectMs: roundConnectMs, timers: systemTimers });
}

/**
 * Opens the register that was made on these nodes.
 *
 * @throws ConsensusError `permanent` if what is wrong will not pass by itself; nothing was written.
 */
export async function connectRegister(settings: OracleSettings, options: ConnectOptions): Promise<Register> {
  const register = openRegister(settings, options);
  const { nodes } = register;
  await nodesKnown(nodes, options.patience, () => objectionTo(nodes) !== undefined);
  const objection = objectionTo(nodes);
  if (objection === undefined) return register;
  register.close();
  throw objection;
}

/** Why nobody should work on these nodes, if waiting would not help. */
function objectionTo(nodes: readonly RedisNode[]): ConsensusError | undefined {
  const failures = nodes.flatMap(({ label, failure }) => (failure === undefined ? [] : [{ label, ...failure }]));
  const lasting = failures.filter(({ why }) => why !== "unavailable" && why !== "refusing");
  const isWrong =
    lasting.some(({ why }) => why === "topology") || nodes.length - lasting.length < majority(nodes.length);
  if (!isWrong) return undefined;
  const list = lasting.map(({ label, message }) => `${label} ${message}`).join("; ");
  return new ConsensusError("permanent", `this oracle cannot be served from these Redis nodes: ${list}`);
}
