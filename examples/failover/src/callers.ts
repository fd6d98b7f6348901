// SPDX-License-Identifier: Apache-2.0
import { type Client, createClient } from "@tsoracle/client";
import { HistoryChecker, type HistoryReport } from "@tsoracle/conformance/checker";

const CLIENTS = 2;
const CALLERS_EACH = 4;

/** Callers that take one timestamp after another, whatever happens, and hand every call to the kit's checker. */
export class Callers {
  readonly #clients: readonly Client[];
  readonly #checker = new HistoryChecker();
  readonly #done: Promise<unknown>;
  #stopped = false;
  #waiting: (() => void)[] = [];
  answers = 0;

  constructor(endpoints: readonly string[]) {
    this.#clients = Array.from({ length: CLIENTS }, () => createClient({ endpoints }));
    const runs = this.#clients.flatMap((client, index) =>
      Array.from({ length: CALLERS_EACH }, (_, caller) => this.#call(client, `${index}.${caller}`)),
    );
    this.#done = Promise.all(runs);
    this.#done.catch(() => {});
  }

  /** Resolves when so many more answers have come to calls of all callers together. */
  async more(count: number): Promise<void> {
    const wanted = this.answers + count;
    while (this.answers < wanted) {
      const next = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await Promise.race([next, this.#done]);
    }
  }

  /** Ends the callers and judges what they got. */
  async judge(): Promise<HistoryReport> {
    this.#stopped = true;
    await this.#done;
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
    return this.#checker.finish();
  }

  async #call(client: Client, caller: string): Promise<void> {
    while (!this.#stopped) {
      const begin = performance.now();
      // A call outlives a failover: the client asks again, within its deadline, wherever the leader is by then.
      const { value, epoch } = await client.getTs({ signal: AbortSignal.timeout(15_000) });
      const outcome = { kind: "ok", first: value, count: 1, epoch } as const;
      this.#checker.add({ client: caller, begin, end: performance.now(), outcome });
      this.answers += 1;
      for (const resume of this.#waiting.splice(0)) resume();
    }
  }
}
