// SPDX-License-Identifier: Apache-2.0
import type { RaftConfig } from "../../../src/raft/raft-config.ts";
import { type ConfState, emptyBytes, type NodeId, type Snapshot } from "../../../src/raft/types.ts";
import type { DirectiveArg } from "../datadriven.ts";
import type { Environment } from "./environment.ts";
import { SimulatedNode } from "./simulated-node.ts";

interface Blueprint {
  config: Omit<RaftConfig, "storage" | "id">;
  voters: NodeId[];
  learners: NodeId[];
  index: number;
  data: Uint8Array;
}

/**
 * `add-nodes N voters=(1,2) learners=(3) index=10 ...`: so many nodes with the next ids, all of them with the same
 * configuration and, if anything of that is given, the same first snapshot.
 */
export function addNodes(env: Environment, args: readonly DirectiveArg[]): string | undefined {
  const plan: Blueprint = {
    config: { electionTick: 3, heartbeatTick: 1, maxInflightMsgs: 2 ** 31 - 1, randomInt: env.draw },
    voters: [],
    learners: [],
    index: 0,
    data: emptyBytes,
  };
  for (const { key, vals } of args.slice(1)) {
    for (const val of vals) {
      const error = setOption(plan, key, val);
      if (error !== undefined) return error;
    }
  }
  const bootstrap = plan.voters.length > 0 || plan.learners.length > 0 || plan.index > 0 || plan.data.length > 0;
  if (bootstrap && plan.index <= 1) return "index must be specified as > 1 due to bootstrap";
  const confState: ConfState = {
    voters: plan.voters,
    learners: plan.learners,
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  const snapshot: Snapshot = {
    data: plan.data,
    metadata: { index: plan.index, term: bootstrap ? 1 : 0, confState },
  };
  for (let i = Number(args[0]?.key); i > 0; i--) {
    const logger = (level: string, text: string): void => env.output.log(level, text);
    const config = { ...plan.config, id: env.nodes.length + 1, applied: plan.index, logger };
    env.nodes.push(new SimulatedNode(config, snapshot, bootstrap));
  }
  return undefined;
}

/** Options that are not known are ignored, as upstream does. */
function setOption(plan: Blueprint, key: string, val: string): string | undefined {
  const { config } = plan;
  switch (key) {
    case "voters":
      plan.voters.push(Number(val));
      break;
    case "learners":
      plan.learners.push(Number(val));
      break;
    case "index":
      plan.index = Number(val);
      break;
    case "content":
      plan.data = new TextEncoder().encode(val);
      break;
    case "inflight":
      config.maxInflightMsgs = Number(val);
      break;
    case "max-inflight-bytes":
      config.maxInflightBytes = Number(val);
      // Upstream's default has no limit of a message, which no window of bytes could hold.
      config.maxSizePerMsg = Number(val);
      break;
    case "max-committed-size-per-ready":
      config.maxCommittedSizePerReady = Number(val);
      break;
    case "async-storage-writes":
      config.asyncStorageWrites = val === "true";
      break;
    case "prevote":
      config.preVote = val === "true";
      break;
    case "checkquorum":
      config.checkQuorum = val === "true";
      break;
    case "disable-conf-change-validation":
      config.disableConfChangeValidation = val === "true";
      break;
    case "step-down-on-removal":
      config.stepDownOnRemoval = val === "true";
      break;
    case "read-only":
      if (val === "safe") config.readOnlyOption = "ReadOnlySafe";
      else if (val === "lease-based") config.readOnlyOption = "ReadOnlyLeaseBased";
      else return `invalid read-only option ${JSON.stringify(val)}`;
      break;
    default:
  }
  return undefined;
}
