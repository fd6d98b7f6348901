// SPDX-License-Identifier: Apache-2.0
import { type Client, createClient } from "@tsoracle/client";
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { expect, onTestFinished } from "vitest";
import { type CliProcess, type CliResult, lines, runCli, startServer } from "./cli-process.ts";

/**
 * Not the default. A server gives its store a sixth of it for an answer: on a disk that others keep busy, the shortest that
 * is allowed would leave too little, and none of these tests waits for a crash.
 */
export const TENURE: readonly string[] = ["--tenure", "4s"];

/** Of clients that ask a server whose predecessor's tenure is waited out first, which takes more than two tenures. */
export const PATIENT: readonly string[] = ["--timeout", "30s"];

/** Both servers of one oracle, by the address that each advertises. */
export type Pair = ReadonlyMap<string, CliProcess>;

/** @param args of `serve`, without the addresses */
export async function startPair(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const addresses = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const servers = addresses.map(async (address) => {
    const { process } = await startServer([...args, "--listen", address, "--advertise", address], { env });
    return [address, process] as const;
  });
  return new Map(await Promise.all(servers));
}

/** A client of all of them, which ends with the test. */
export function clientOf(servers: Pair): Client {
  const client = createClient({ endpoints: [...servers.keys()] });
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

/** The server that says of itself that it serves. */
export async function leaderOf(servers: Pair): Promise<readonly [string, CliProcess]> {
  const found = await waitUntil("one of the servers to lead", async () => {
    for (const server of servers) {
      if ((await runCli(["status", "--endpoints", server[0]])).code === 0) return server;
    }
    return undefined;
  });
  return found;
}

/** Takes timestamps one after another until told to stop; each must be larger than the one before. */
export class Caller {
  readonly #client: Client;
  readonly #done: Promise<void>;
  #stopped = false;
  answers = 0;
  largest = 0n;
  /** The longest time between two answers. */
  longestGapMs = 0;

  constructor(client: Client) {
    this.#client = client;
    this.#done = this.#run();
    this.#done.catch(() => {});
  }

  /** Resolves when so many more answers have come. */
  async more(count: number): Promise<void> {
    const wanted = this.answers + count;
    await Promise.race([this.#done, waitUntil(`${count} more timestamps`, () => this.answers >= wanted)]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    let last = performance.now();
    while (!this.#stopped) {
      // A call outlives a failover: the client asks again, within its deadline, wherever the leader is by then.
      const { value } = await this.#client.getTs({ signal: AbortSignal.timeout(20_000) });
      this.longestGapMs = Math.max(this.longestGapMs, performance.now() - last);
      last = performance.now();
      expect(value).toBeGreaterThan(this.largest);
      this.largest = value;
      this.answers += 1;
    }
  }
}

/** What a command printed as JSON; one that failed shows its own words instead. */
export function jsonOf({ code, stdout, stderr }: CliResult): Record<string, unknown> {
  expect({ code, stderr }, stderr).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** The first timestamp that `get` printed, in milliseconds. */
export function physicalMsOf({ code, stdout, stderr }: CliResult): bigint {
  expect(code, stderr).toBe(0);
  return BigInt(lines(stdout)[0] ?? "") >> 18n;
}

/** That a command failed as the store's fault: exit 1, nothing on standard output, one line. */
export function expectOneFailure({ code, stdout, stderr }: CliResult, words: readonly (string | RegExp)[]): void {
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: "" });
  expect(lines(stderr), stderr).toHaveLength(1);
  for (const word of words) expect(stderr).toMatch(word);
}
