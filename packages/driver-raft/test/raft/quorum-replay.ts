// SPDX-License-Identifier: Apache-2.0
import {
  describeJoint,
  type JointConfig,
  jointCommittedIndex,
  jointIds,
  jointVoteResult,
} from "../../src/raft/quorum/joint.ts";
import {
  type AckedIndexer,
  describeIndex,
  describeMajority,
  type MajorityConfig,
  majorityCommittedIndex,
  majorityVoteResult,
  sortedIds,
} from "../../src/raft/quorum/majority.ts";
import type { NodeId } from "../../src/raft/types.ts";
import { argNumber, argVals, at, type Directive } from "./datadriven.ts";

const none: MajorityConfig = new Set();

/** The commands of the quorum files: `committed` and `vote`, with `cfg`, `cfgj`, `idx` and `votes`. */
export function runQuorumDirective(directive: Directive): string {
  const known = directive.cmd === "vote" ? ["cfg", "cfgj", "votes"] : ["cfg", "cfgj", "idx"];
  const stray = directive.args.find((arg) => !known.includes(arg.key));
  if (stray !== undefined) throw new Error(`${at(directive)}: unknown argument ${stray.key}`);

  const ids = (argVals(directive, "cfg") ?? []).map((text) => argNumber(directive, text));
  const outgoing = argVals(directive, "cfgj");
  const idsj = outgoing?.[0] === "zero" ? [] : (outgoing ?? []).map((text) => argNumber(directive, text));
  const config: JointConfig = { incoming: new Set(ids), outgoing: new Set(idsj) };
  const inputs = argVals(directive, directive.cmd === "vote" ? "votes" : "idx") ?? [];
  const voters = jointIds(config);
  if (voters.size !== inputs.length) {
    const numbers: Record<string, string> = directive.cmd === "vote" ? { _: "0", n: "1", y: "2" } : { _: "0" };
    const shown = inputs.map((text) => numbers[text] ?? text).join(" ");
    const named = sortedIds(voters).map((id) => `${id}:{}`);
    return `error: mismatched input (explicit or _) for voters map[${named.join(" ")}]: [${shown}]`;
  }
  // In the order in which voters are named, each once; _ stands for "nothing known".
  const given = new Map([...new Set([...ids, ...idsj])].map((id, i) => [id, inputs[i] as string]));
  for (const [id, text] of given) if (text === "_") given.delete(id);

  switch (directive.cmd) {
    case "committed":
      return committed(config, outgoing !== undefined, numbers(directive, given));
    case "vote":
      return voted(config, outgoing !== undefined, answers(directive, given));
    default:
      throw new Error(`${at(directive)}: unknown command ${directive.cmd}`);
  }
}

function numbers(directive: Directive, given: ReadonlyMap<NodeId, string>): Map<NodeId, number> {
  const indexes = new Map([...given].map(([id, text]) => [id, argNumber(directive, text)]));
  for (const index of indexes.values()) if (index === 0) throw new Error(`${at(directive)}: 0 is not an index; say _`);
  return indexes;
}

function answers(directive: Directive, given: ReadonlyMap<NodeId, string>): Map<NodeId, boolean> {
  return new Map(
    [...given].map(([id, text]) => {
      if (text !== "y" && text !== "n") throw new Error(`${at(directive)}: a vote is y, n or _, got ${text}`);
      return [id, text === "y"];
    }),
  );
}

/** Prints the result, and, were they different, the results of other ways to compute it. */
function committed(config: JointConfig, joint: boolean, indexes: ReadonlyMap<NodeId, number>): string {
  const acked: AckedIndexer = (id) => indexes.get(id);
  if (joint) {
    const index = jointCommittedIndex(config, acked);
    const mirrored = jointCommittedIndex({ incoming: config.outgoing, outgoing: config.incoming }, acked);
    const symmetry = mirrored === index ? "" : `${describeIndex(mirrored)} <-- via symmetry\n`;
    return `${describeJoint(config, acked)}${symmetry}${describeIndex(index)}\n`;
  }
  const voters = config.incoming;
  const index = majorityCommittedIndex(voters, acked);
  let text = describeMajority(voters, acked);
  const compare = (other: number, how: string): void => {
    if (other !== index) text += `${describeIndex(other)} <-- ${how}\n`;
  };
  compare(alternativeCommittedIndex(voters, indexes), "via alternative computation");
  compare(jointCommittedIndex({ incoming: voters, outgoing: none }, acked), "zero-joint quorum");
  compare(jointCommittedIndex({ incoming: voters, outgoing: voters }, acked), "self-joint quorum");
  for (const id of voters) {
    const own = indexes.get(id) ?? 0;
    // Whoever is behind the result already cannot change it by being further behind.
    if (own === 0 || index <= own) continue;
    for (const lower of [own - 1, 0]) {
      compare(
        majorityCommittedIndex(voters, (other) => (other === id ? lower : acked(other))),
        `overlaying ${id}->${lower}`,
      );
    }
  }
  return `${text}${describeIndex(index)}\n`;
}

/** By definition: the highest index given that a majority is at or above. */
function alternativeCommittedIndex(voters: MajorityConfig, indexes: ReadonlyMap<NodeId, number>): number {
  if (voters.size === 0) return Number.POSITIVE_INFINITY;
  const at = [...voters].map((id) => indexes.get(id) ?? 0);
  const candidates = at.filter((index) => at.filter((other) => other >= index).length * 2 > voters.size);
  return Math.max(0, ...candidates);
}

function voted(config: JointConfig, joint: boolean, votes: ReadonlyMap<NodeId, boolean>): string {
  if (!joint) return `${majorityVoteResult(config.incoming, votes)}\n`;
  const result = jointVoteResult(config, votes);
  const mirrored = jointVoteResult({ incoming: config.outgoing, outgoing: config.incoming }, votes);
  return `${mirrored === result ? "" : `${mirrored} <-- via symmetry\n`}${result}\n`;
}
