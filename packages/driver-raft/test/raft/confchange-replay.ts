// SPDX-License-Identifier: Apache-2.0
import { type ConfChangeSingle, confChangesFromString } from "../../src/raft/conf-change.ts";
import { type ChangeOutcome, Changer } from "../../src/raft/confchange/changer.ts";
import { describeConfig } from "../../src/raft/tracker/config.ts";
import { describeProgressMap } from "../../src/raft/tracker/progress.ts";
import { ProgressTracker } from "../../src/raft/tracker/progress-tracker.ts";
import { argBoolean, argVal, at, type Directive } from "./datadriven.ts";

/**
 * The commands of the confchange files: `simple`, `enter-joint [autoleave=...]` and `leave-joint`, each with steps like
 * `v1 l2 r3 u4` as input. They build on each other within a file, and the log grows by one entry with each.
 */
export function confChangeReplay(): (directive: Directive) => string {
  const tracker = new ProgressTracker(10);
  let lastIndex = 0;
  return (directive) => {
    const outcome = run(directive, new Changer(tracker, lastIndex++));
    if (typeof outcome === "string") return outcome;
    if (!outcome.ok) return `${outcome.reason}\n`;
    tracker.config = outcome.config;
    tracker.progress = outcome.progress;
    return `${describeConfig(tracker.config)}\n${describeProgressMap(tracker.progress)}`;
  };
}

function run(directive: Directive, changer: Changer): ChangeOutcome | string {
  const changes = steps(directive.input);
  if (typeof changes === "string") return changes;
  const stray = directive.args.find((arg) => directive.cmd !== "enter-joint" || arg.key !== "autoleave");
  if (stray !== undefined) throw new Error(`${at(directive)}: unknown argument ${stray.key}`);
  switch (directive.cmd) {
    case "simple":
      return changer.simple(changes);
    case "enter-joint":
      return changer.enterJoint(argBoolean(directive, argVal(directive, "autoleave") ?? "false"), changes);
    case "leave-joint":
      return changes.length > 0 ? "this command takes no input\n" : changer.leaveJoint();
    default:
      return "unknown command";
  }
}

/** The steps of the input, or what is printed for one that cannot be read. */
function steps(input: string): ConfChangeSingle[] | string {
  for (const token of input === "" ? [] : input.split(" ")) {
    if (token.length < 2) return `unknown token ${token}`;
    if (!"vlru".includes(token[0] as string)) return `unknown input: ${token}`;
    const id = token.slice(1);
    if (!/^\d+$/.test(id)) return `strconv.ParseUint: parsing ${JSON.stringify(id)}: invalid syntax`;
  }
  return confChangesFromString(input);
}
