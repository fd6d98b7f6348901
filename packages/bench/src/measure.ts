// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BenchCase, Side } from "./cases.ts";
import type { ClientCommand, ClientResult, ServerCommand, ServerReply } from "./messages.ts";
import { median } from "./statistics.ts";

const WARMUP_MS = 500;

/** One run of one side. Times in microseconds; CPU per operation on each end. */
export interface Sample {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** Writes that reached the store while the run was measured. */
  readonly persists: number;
}

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly metric: BenchCase["metric"];
  readonly goal: string;
  readonly runs: number;
  readonly subject: Sample & { readonly label: string };
  readonly baseline: Sample & { readonly label: string };
  /** Median of the ratios of paired runs, subject ÷ baseline. */
  readonly ratio: number;
  /** The smallest and the largest of them. */
  readonly ratioRange: readonly [number, number];
}

function start(program: "server-process" | "client-process"): ChildProcess {
  return fork(fileURLToPath(new URL(`./${program}.js`, import.meta.url)), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** The next message of a process. @throws Error when the process ends first. */
async function answer<T>(child: ChildProcess): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const gone = once(child, "exit", { signal }).then(([code, end]) => {
      throw new Error(`a benchmark process ended with ${code ?? end} before it answered`);
    });
    const [message] = await Promise.race([once(child, "message", { signal }), gone]);
    return message as T;
  } finally {
    settled.abort();
  }
}

/** A server process that serves one side for all runs of a case. */
class ServerProcess {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(side: Side): Promise<ServerProcess> {
    const child = start("server-process");
    child.send({ type: "start", server: side.server } satisfies ServerCommand);
    const reply = await answer<ServerReply & { type: "ready" }>(child);
    return new ServerProcess(child, reply.port);
  }

  async usage(): Promise<ServerReply & { type: "usage" }> {
    this.#child.send({ type: "usage" } satisfies ServerCommand);
    return answer(this.#child);
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }
}

async function sample(benchCase: BenchCase, side: Side, server: ServerProcess): Promise<Sample> {
  const client = start("client-process");
  const before = await server.usage();
  const command: ClientCommand = {
    kind: side.server.kind,
    port: server.port,
    callers: benchCase.callers,
    warmupMs: WARMUP_MS,
    measureMs: benchCase.secondsPerRun * 1_000,
  };
  client.send(command);
  const result = await answer<ClientResult>(client);
  const after = await server.usage();
  // The server's share covers the warm-up too, so it is scaled to the measured part of the run.
  const measuredShare = command.measureMs / (command.measureMs + command.warmupMs);
  return {
    rate: result.operations / result.seconds,
    p50: result.p50,
    p99: result.p99,
    clientCpu: result.cpuMicros / result.operations,
    serverCpu: ((after.cpuMicros - before.cpuMicros) * measuredShare) / result.operations,
    persists: after.persists - before.persists,
  };
}

function middle(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  return {
    rate: of((s) => s.rate),
    p50: of((s) => s.p50),
    p99: of((s) => s.p99),
    clientCpu: of((s) => s.clientCpu),
    serverCpu: of((s) => s.serverCpu),
    persists: of((s) => s.persists),
  };
}

/** Runs both sides in turn, so that a drifting machine changes both alike. */
export async function runCase(benchCase: BenchCase): Promise<CaseResult> {
  const { subject, baseline, metric } = benchCase;
  const subjectServer = await ServerProcess.start(subject);
  const baselineServer = await ServerProcess.start(baseline);
  const pairs: { subject: Sample; baseline: Sample }[] = [];
  for (let run = 0; run < benchCase.runs; run += 1) {
    const subjectFirst = run % 2 === 0;
    const early = subjectFirst ? await sample(benchCase, subject, subjectServer) : undefined;
    const other = await sample(benchCase, baseline, baselineServer);
    pairs.push({ subject: early ?? (await sample(benchCase, subject, subjectServer)), baseline: other });
  }
  await Promise.all([subjectServer.stop(), baselineServer.stop()]);
  const ratios = pairs.map((pair) => pair.subject[metric] / pair.baseline[metric]);
  const { name, title, goal, runs } = benchCase;
  return {
    name,
    title,
    metric,
    goal,
    runs,
    subject: { label: subject.label, ...middle(pairs.map((pair) => pair.subject)) },
    baseline: { label: baseline.label, ...middle(pairs.map((pair) => pair.baseline)) },
    ratio: median(ratios),
    ratioRange: [Math.min(...ratios), Math.max(...ratios)],
  };
}
