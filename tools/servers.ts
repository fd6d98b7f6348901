// SPDX-License-Identifier: Apache-2.0

/** Servers that a program starts when it first needs them, and ends with itself. */
export class Servers implements AsyncDisposable {
  readonly #started: Promise<AsyncDisposable | readonly AsyncDisposable[]>[] = [];
  #isOver = false;

  /** Starts once, at the first call of what this returns. */
  lazily<S extends AsyncDisposable | readonly AsyncDisposable[]>(start: () => Promise<S>): () => Promise<S> {
    let started: Promise<S> | undefined;
    return () => {
      if (this.#isOver) return Promise.reject(new Error("the run is over; it starts no more servers"));
      if (started === undefined) {
        started = start();
        this.#started.push(started);
      }
      return started;
    };
  }

  /** Ends all of them, also those that are only just starting; rejects with the first that would not end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    const ends = this.#started.splice(0).map(async (starting) => {
      // One that did not come up has been reported to whoever asked for it.
      const servers = await starting.catch(() => []);
      await Promise.all([servers].flat().map(async (server) => await server[Symbol.asyncDispose]()));
    });
    for (const end of await Promise.allSettled(ends)) if (end.status === "rejected") throw end.reason;
  }
}
