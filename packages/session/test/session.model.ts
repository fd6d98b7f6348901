// SPDX-License-Identifier: Apache-2.0
import type { ResumePolicy } from "../src/index.ts";

/** What can be done to a session. */
export type Command =
  | { readonly do: "append"; readonly delta: number; readonly at: number }
  | { readonly do: "crash"; readonly reason: string }
  | { readonly do: "restart"; readonly at: number }
  | { readonly do: "reconnect"; readonly policy: ResumePolicy; readonly route: string; readonly at: number }
  | { readonly do: "takeover"; readonly owner: string; readonly epoch: bigint; readonly at: number };

export interface ModelView {
  readonly counter: number;
  readonly lifecycle: string;
  readonly route: string;
  readonly owner: string;
  readonly epoch: bigint;
  readonly checkpointMs: number;
  readonly checkpointEpoch: bigint;
  readonly journal: readonly string[];
}

/**
 * The columns of the table in `fencing-quorum-sessions.md` 4.4, each read off the whole list of commands every
 * time. Nothing is remembered, and nothing is fast. Commands start from S of 6.4; refused takeovers must have
 * been left out.
 */
export function sessionModel(commands: readonly Command[]): ModelView {
  const last = (kinds: readonly Command["do"][]): Command | undefined =>
    commands.findLast((command) => kinds.includes(command.do));
  const takeovers = commands.flatMap((command) => (command.do === "takeover" ? [command] : []));
  const ownerAfter = (count: number): { owner: string; epoch: bigint } => {
    const before = commands.slice(0, count).findLast((command) => command.do === "takeover");
    return before?.do === "takeover" ? before : { owner: "node-a", epoch: 1n };
  };

  const remount = commands.findLastIndex((command) => command.do === "reconnect" && command.policy === "remount");
  const deltas = commands.slice(remount + 1).flatMap((command) => (command.do === "append" ? [command.delta] : []));
  const reconnected = last(["reconnect"]);
  const lived = last(["crash", "restart", "reconnect"])?.do;
  const timed = commands.findLast((command) => "at" in command);
  const stamped = commands.findLastIndex(
    (command, index) =>
      command.do === "append" ||
      command.do === "reconnect" ||
      (command.do === "takeover" && command.epoch > ownerAfter(index).epoch),
  );
  return {
    counter: deltas.reduce((sum, delta) => sum + delta, 0),
    lifecycle: lived === "crash" ? "crashed" : lived === "restart" ? "disconnected" : "live",
    route: reconnected?.do === "reconnect" ? reconnected.route : "/counter",
    ...pick(takeovers.at(-1) ?? { owner: "node-a", epoch: 1n }),
    checkpointMs: timed !== undefined && "at" in timed ? timed.at : 1000,
    checkpointEpoch: ownerAfter(stamped + 1).epoch,
    journal: commands.flatMap(labelOf),
  };
}

const pick = ({ owner, epoch }: { owner: string; epoch: bigint }): { owner: string; epoch: bigint } => ({
  owner,
  epoch,
});

function labelOf(command: Command): string[] {
  if (command.do === "append") return [`counter_delta:${command.delta}`];
  if (command.do === "crash") return [`crash_marked:${command.reason}`];
  if (command.do === "restart") return [`restarted:${command.at}`];
  if (command.do === "reconnect") return [`reconnected:${command.policy}:${command.route}:${command.at}`];
  return [];
}
