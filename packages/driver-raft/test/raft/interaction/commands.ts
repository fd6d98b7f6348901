// SPDX-License-Identifier: Apache-2.0
// The commands of the scenario files. Each returns an error to be printed, or nothing.
import {
  type ConfChange,
  type ConfChangeTransition,
  type ConfChangeV2,
  confChangesFromString,
  newConfChange,
  newConfChangeV2,
} from "../../../src/raft/conf-change.ts";
import { describeMessage } from "../../../src/raft/describe.ts";
import { describeProgressMap } from "../../../src/raft/tracker/progress.ts";
import { type MessageType, type NodeId, newMessage, type Snapshot } from "../../../src/raft/types.ts";
import { type Directive, type DirectiveArg, parseDatadriven } from "../datadriven.ts";
import { addNodes } from "./add-nodes.ts";
import type { Environment, Recipient } from "./environment.ts";

/** Runs a directive, with the further commands in its input, and returns everything it prints. */
export function handle(env: Environment, directive: Directive): string {
  const { output } = env;
  output.reset();
  const error =
    directive.cmd === "propose-conf-change"
      ? proposeConfChange(env, directive)
      : runCommands(env, directive.cmd, directive.args, directive.input);
  if (error !== undefined) {
    if (output.quiet()) return error;
    output.write(error);
  }
  return output.text === "" ? "ok" : output.text;
}

function runCommands(env: Environment, cmd: string, args: readonly DirectiveArg[], input: string): string | undefined {
  const error = run(env, cmd, args);
  if (error !== undefined) return error;
  for (const line of input === "" ? [] : input.split("\n")) {
    const [further] = parseDatadriven(`${line}\n----\n`, "input");
    const failed = run(env, further?.cmd ?? "", further?.args ?? []);
    if (failed === undefined) continue;
    if (env.output.quiet()) return failed;
    env.output.write(failed);
  }
  return undefined;
}

function run(env: Environment, cmd: string, args: readonly DirectiveArg[]): string | undefined {
  switch (cmd) {
    case "_breakpoint":
      return undefined;
    case "add-nodes":
      return addNodes(env, args);
    case "campaign":
      return idOrError(env, args, (id) => env.node(id).raw.campaign()?.message);
    case "compact": {
      const id = firstId(args);
      const error = env.node(id).storage.compact(Number(args[1]?.key));
      if (error !== undefined) return error.message;
      env.printLog(id);
      return undefined;
    }
    case "deliver-msgs":
      return deliver(env, args);
    case "process-ready":
      return eachNode(env, args, "handling Ready", (id) => env.processReady(id));
    case "process-append-thread":
      return eachNode(env, args, "processing append thread", (id) => env.processAppendThread(id));
    case "process-apply-thread":
      return eachNode(env, args, "processing apply thread", (id) => env.processApplyThread(id));
    case "log-level":
      return env.output.setLevel(args[0]?.key ?? "");
    case "raft-log":
      env.printLog(firstId(args));
      return undefined;
    case "raft-state":
      return raftState(env);
    case "set-randomized-election-timeout":
      env.node(firstId(args)).raw.setRandomizedElectionTimeout(Number(value(args, "timeout")));
      return undefined;
    case "stabilize":
      return stabilize(env, args);
    case "status":
      env.output.write(describeProgressMap(env.node(firstId(args)).raw.status().progress));
      return undefined;
    case "tick-election":
      return ticks(env, firstId(args), env.node(firstId(args)).config.electionTick);
    case "tick-heartbeat":
      return ticks(env, firstId(args), env.node(firstId(args)).config.heartbeatTick);
    case "transfer-leadership":
      env.node(Number(value(args, "from"))).raw.transferLeader(Number(value(args, "to")));
      return undefined;
    case "forget-leader":
      return env.node(firstId(args)).raw.forgetLeader()?.message;
    case "send-snapshot":
      return sendSnapshot(env, args);
    case "propose":
      return env.node(firstId(args)).raw.propose(new TextEncoder().encode(args[1]?.key ?? ""))?.message;
    case "report-unreachable": {
      const [on, reported] = plainIds(args);
      if (on === undefined || reported === undefined) {
        return "must specify exactly two node indexes: node on which to report, and reported node";
      }
      env.node(on).raw.reportUnreachable(env.node(reported).raw.id);
      return undefined;
    }
    default:
      return "unknown command";
  }
}

function idOrError(
  env: Environment,
  args: readonly DirectiveArg[],
  run: (id: NodeId) => string | undefined,
): string | undefined {
  const id = firstId(args);
  return env.nodes[id - 1] === undefined ? `node index ${id - 1} out of range [0, ${env.nodes.length})` : run(id);
}

function ticks(env: Environment, id: NodeId, count: number): undefined {
  for (let i = 0; i < count; i++) env.node(id).raw.tick();
}

function eachNode(
  env: Environment,
  args: readonly DirectiveArg[],
  doing: string,
  run: (id: NodeId) => string | undefined,
): string | undefined {
  const ids = plainIds(args);
  for (const id of ids) {
    if (ids.length > 1) env.output.line(`> ${id} ${doing}`);
    const error = ids.length > 1 ? env.output.indented(() => run(id)) : run(id);
    if (error !== undefined) return error;
  }
  return undefined;
}

function deliver(env: Environment, args: readonly DirectiveArg[]): undefined {
  let type: MessageType | undefined;
  const recipients: Recipient[] = [];
  for (const { key, vals } of args) {
    if (vals.length === 0) recipients.push({ id: number(key), drop: false });
    else if (key === "type") type = vals[0] as MessageType;
    else if (key === "drop") {
      for (const val of vals) {
        const id = number(val);
        if (recipients.some((one) => one.id === id)) throw new Error(`can't both deliver and drop msgs to ${id}`);
        recipients.push({ id, drop: true });
      }
    }
  }
  if (env.deliver(type, recipients) === 0) env.output.line("no messages");
}

function raftState(env: Environment): undefined {
  for (const { raw } of env.nodes) {
    const { id, softState, hardState, config } = raw.status();
    const votes = config.voters.incoming.has(id) || config.voters.outgoing.has(id);
    env.output.line(
      `${id}: ${softState.raftState} (${votes ? "Voter" : "Non-Voter"}) Term:${hardState.term} Lead:${softState.lead}`,
    );
  }
}

function stabilize(env: Environment, args: readonly DirectiveArg[]): string | undefined {
  const level = args.find((arg) => arg.key === "log-level")?.vals[0];
  const before = env.output.level;
  try {
    const error = level === undefined ? undefined : env.output.setLevel(level);
    return error ?? env.stabilize(plainIds(args));
  } finally {
    env.output.setLevel(before);
  }
}

function sendSnapshot(env: Environment, args: readonly DirectiveArg[]): undefined {
  const [from, to] = plainIds(args);
  if (from === undefined || to === undefined) throw new Error("send-snapshot takes the source and the destination");
  const { raw, history } = env.node(from);
  const term = raw.basicStatus().hardState.term;
  const m = newMessage("MsgSnap", { from, to, term, snapshot: history.at(-1) as Snapshot });
  env.queue([m]);
  env.output.write(describeMessage(m));
}

function proposeConfChange(env: Environment, { args, input }: Directive): string | undefined {
  let v1 = false;
  let transition: ConfChangeTransition = "ConfChangeTransitionAuto";
  for (const { key, vals } of args.slice(1)) {
    for (const val of vals) {
      if (key === "v1") v1 = /^(1|t|true)$/i.test(val);
      else if (key !== "transition") return `unknown command ${key}`;
      else if (val === "auto") transition = "ConfChangeTransitionAuto";
      else if (val === "implicit") transition = "ConfChangeTransitionJointImplicit";
      else if (val === "explicit") transition = "ConfChangeTransitionJointExplicit";
      else return `unknown transition ${val}`;
    }
  }
  const changes = confChangesFromString(input);
  let change: ConfChange | ConfChangeV2 = newConfChangeV2({ transition, changes });
  if (v1) {
    const [only] = changes;
    if (only === undefined || changes.length > 1 || transition !== "ConfChangeTransitionAuto") {
      return "v1 conf change can only have one operation and no transition";
    }
    change = newConfChange(only.type, only.nodeId);
  }
  return env.node(firstId(args)).raw.proposeConfChange(change)?.message;
}

function number(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`expected a number, got ${JSON.stringify(text)}`);
  return Number(text);
}

function firstId(args: readonly DirectiveArg[]): NodeId {
  return number(args[0]?.key ?? "");
}

/** The ids that stand alone; arguments with a value are left out. */
function plainIds(args: readonly DirectiveArg[]): NodeId[] {
  return args.filter((arg) => arg.vals.length === 0).map((arg) => number(arg.key));
}

function value(args: readonly DirectiveArg[], key: string): string {
  const found = args.find((arg) => arg.key === key)?.vals[0];
  if (found === undefined) throw new Error(`the command needs ${key}=`);
  return found;
}
