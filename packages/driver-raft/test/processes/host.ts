// SPDX-License-Identifier: Apache-2.0
// What the kit runs as a process of its own: a host for nodes of a cluster, one at a time. It knows nothing but the
// driver; everything it does it is told over its messages, and asked for tenures over two pipes.
import { createReadStream, openSync, writeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { type CallOptions, ConsensusError, type LeaderState, type Tenure } from "@tsoracle/consensus";
import { openRaftDriver, type RaftDriver } from "../../src/index.ts";
import { type FromHost, type Method, QUESTION_BYTES, type ToHost, type WireError, type WireState } from "./messages.ts";

const [questions = "", answers = ""] = process.argv.slice(2);
const tell = (message: FromHost): void => void process.send?.(message);

const drivers = new Map<number, RaftDriver>();
const tenures = new Map<number, Tenure>();
const numbers = new Map<Tenure, number>();
const signals = new Map<number, AbortController>();

/** Tenures are told apart by their numbers over there, so one has the same number every time. */
function numberOf(tenure: Tenure): number {
  const known = numbers.get(tenure) ?? numbers.size + 1;
  numbers.set(tenure, known);
  tenures.set(known, tenure);
  return known;
}

function wireState(state: LeaderState): WireState {
  if (state.role !== "leader") return state;
  if (state.tenure === undefined) throw new TypeError("a leader of Raft has a tenure");
  const confirms = state.tenure.confirm !== undefined;
  return { role: "leader", epoch: state.epoch, tenure: numberOf(state.tenure), confirms };
}

function wireError(error: unknown): WireError {
  if (error instanceof ConsensusError) {
    const { name, message, code, currentEpoch } = error;
    return { name, message, code, currentEpoch, isConsensus: true };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message, isConsensus: false };
}

async function mirror(id: number, driver: RaftDriver): Promise<void> {
  try {
    for await (const state of driver.leadershipEvents({ signal: new AbortController().signal })) {
      tell({ kind: "state", driver: id, state: wireState(state) });
    }
    tell({ kind: "ended", driver: id });
  } catch (error) {
    tell({ kind: "ended", driver: id, error: wireError(error) });
  }
}

async function invoke(
  driver: RaftDriver,
  method: Method,
  args: readonly unknown[],
  signal: AbortSignal,
): Promise<unknown> {
  const options = { signal };
  // The other side has the types; what it sends are the arguments of the method, in order.
  const [first, second] = args as [never, never];
  switch (method) {
    case "loadHighWater":
      return driver.loadHighWater(options);
    case "persistHighWater":
      return driver.persistHighWater(first, second, options);
    case "sequences.load":
      return driver.sequences.load(first, options);
    case "sequences.advance":
      return driver.sequences.advance(first, second, options);
    case "leases.load":
      return driver.leases.load(options);
    case "leases.replace":
      return driver.leases.replace(first, second, options);
    case "membership.members":
      return driver.membership.members(options);
    case "membership.leader":
      return driver.membership.leader(options);
    case "membership.addLearner":
      return driver.membership.addLearner(first, options);
    case "membership.promote":
      return driver.membership.promote(first, options);
    case "membership.remove":
      return driver.membership.remove(first, options);
    case "membership.transfer":
      return driver.membership.transfer(first, options);
    case "tenure.confirm":
      return confirmed(first, options);
    case "resign":
      return driver.resign(first);
    case "metrics":
      return driver.metrics(options);
    case "dispose":
      return driver[Symbol.asyncDispose]();
    default:
      return method satisfies never;
  }
}

async function confirmed(number: number, options: CallOptions): Promise<boolean> {
  const confirm = tenures.get(number)?.confirm;
  if (confirm === undefined) throw new TypeError(`tenure ${number} cannot be confirmed`);
  return await confirm(options);
}

async function perform(message: Exclude<ToHost, { readonly kind: "abort" }>): Promise<unknown> {
  if (message.kind === "open") {
    const opened = await openRaftDriver(message.options);
    drivers.set(message.driver, opened);
    void mirror(message.driver, opened);
    return undefined;
  }
  const driver = drivers.get(message.driver);
  if (driver === undefined) throw new TypeError(`no driver ${message.driver} was opened here`);
  const own = new AbortController();
  if (message.aborted) own.abort();
  signals.set(message.call, own);
  try {
    return await invoke(driver, message.method, message.args, own.signal);
  } finally {
    signals.delete(message.call);
  }
}

process.on("message", (message: ToHost) => {
  if (message.kind === "abort") return signals.get(message.call)?.abort();
  const { call } = message;
  perform(message)
    // What a call changed is said before its result, as a reader in the driver's own process would see it.
    .finally(() => turn())
    .then(
      (value) => tell({ kind: "value", call, value }),
      (error) => tell({ kind: "error", call, error: wireError(error) }),
    );
});
process.on("disconnect", () => process.exit(0));

const answer = openSync(answers, "w");
createReadStream(questions).on("data", (data: Buffer | string) => {
  const bytes = Buffer.from(data);
  for (let at = 0; at + QUESTION_BYTES <= bytes.length; at += QUESTION_BYTES) {
    writeSync(answer, Uint8Array.of(tenures.get(bytes.readUInt32LE(at))?.valid() === true ? 1 : 0));
  }
});
tell({ kind: "ready" });
