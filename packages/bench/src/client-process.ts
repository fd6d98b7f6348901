// SPDX-License-Identifier: Apache-2.0
import { createClient } from "@tsoracle/client";
import type { Timestamp } from "@tsoracle/core";
import type { ClientCommand, ClientResult } from "./messages.ts";
import { LatencyHistogram } from "./statistics.ts";
import { TcpClient } from "./tcp-client.ts";

interface Source {
  getTs(): Promise<Timestamp>;
  close(): unknown;
}

/** Reads each timestamp as a user would, so that a lazy value cannot hide work that users pay for. */
let newest = 0;

async function caller(source: Source, until: number, histogram: LatencyHistogram): Promise<void> {
  let begin = performance.now();
  while (begin < until) {
    const timestamp = await source.getTs();
    const end = performance.now();
    if (timestamp.physicalMs < newest) throw new Error("a timestamp went backwards");
    newest = timestamp.physicalMs;
    histogram.record((end - begin) * 1_000);
    begin = end;
  }
}

async function load(source: Source, callers: number, milliseconds: number): Promise<LatencyHistogram> {
  const histogram = new LatencyHistogram();
  const until = performance.now() + milliseconds;
  await Promise.all(Array.from({ length: callers }, () => caller(source, until, histogram)));
  return histogram;
}

async function measure(command: ClientCommand): Promise<ClientResult> {
  const source: Source =
    command.kind === "tcp"
      ? await TcpClient.connect(command.port)
      : createClient({ endpoints: [`127.0.0.1:${command.port}`] });
  await load(source, command.callers, command.warmupMs);
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const histogram = await load(source, command.callers, command.measureMs);
  const seconds = (performance.now() - begin) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  await source.close();
  return {
    operations: histogram.count,
    seconds,
    p50: histogram.quantile(0.5),
    p99: histogram.quantile(0.99),
    cpuMicros: cpu.user + cpu.system,
  };
}

async function answer(command: ClientCommand): Promise<void> {
  const result = await measure(command);
  process.send?.(result, () => process.disconnect());
}

// A failure ends the process, which the parent sees.
process.once("message", (command: ClientCommand) => {
  answer(command).catch(fail);
});

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
