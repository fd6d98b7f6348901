// SPDX-License-Identifier: Apache-2.0
import { createClient } from "@tsoracle/client";
import { CliError } from "../cli-error.ts";
import type { ClientFlags } from "../client-flags.ts";
import { endOnSignals } from "../interrupt.ts";
import { type ClientTls, readClientTls } from "../open-client.ts";
import { printFields, printJson, printLine } from "../output.ts";
import { askHealth, type Health } from "./health.ts";
import { noAnswer } from "./no-answer.ts";

export interface StatusRun extends ClientFlags {
  readonly json?: true;
}

/** What one server says of itself, or why it did not answer. */
type ServerStatus =
  | {
      readonly endpoint: string;
      readonly serving: boolean;
      readonly health: Health;
      readonly epoch: bigint;
      readonly maxSafePhysicalMs: number;
      readonly frontierPhysicalMs: number;
    }
  | { readonly endpoint: string; readonly serving: false; readonly error: string };

async function ask(endpoint: string, tls: ClientTls | undefined, timeoutMs: number): Promise<ServerStatus> {
  const client = createClient({ endpoints: [endpoint], tls });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const health = await askHealth({ endpoint, tls, deadlineMs: timeoutMs });
    const maxSafe = await client.getCurrentMaxSafe({ signal });
    const frontier = await client.getSafeFrontier({ signal });
    return {
      endpoint,
      serving: health === "SERVING",
      health,
      epoch: maxSafe.epoch,
      maxSafePhysicalMs: maxSafe.physicalMs,
      frontierPhysicalMs: frontier.physicalMs,
    };
  } catch (error) {
    return { endpoint, serving: false, error: noAnswer(endpoint, timeoutMs, error) };
  } finally {
    await client[Symbol.asyncDispose]();
  }
}

async function show(status: ServerStatus): Promise<void> {
  if ("error" in status) {
    return printFields([
      ["endpoint", status.endpoint],
      ["serving", "no answer"],
      ["error", status.error],
    ]);
  }
  await printFields([
    ["endpoint", status.endpoint],
    ["serving", status.serving ? "yes" : `no (${status.health})`],
    ["epoch", status.epoch.toString()],
    ["max_safe_physical_ms", String(status.maxSafePhysicalMs)],
    ["frontier_physical_ms", String(status.frontierPhysicalMs)],
  ]);
}

/**
 * Asks every endpoint on its own, without following redirects: what is wanted is what each of them says.
 *
 * @throws CliError `failed` unless one of them serves
 */
export async function runStatus(run: StatusRun): Promise<void> {
  endOnSignals();
  const tls = readClientTls(run);
  const all = await Promise.all(run.endpoints.map((endpoint) => ask(endpoint, tls, run.timeout)));
  if (run.json) await printJson(all);
  else {
    for (const [index, status] of all.entries()) {
      if (index > 0) await printLine("");
      await show(status);
    }
  }
  if (!all.some(({ serving }) => serving))
    throw new CliError("failed", `no server serves at ${run.endpoints.join(", ")}`);
}
