// SPDX-License-Identifier: Apache-2.0

/** How long a caller waits, and how it is told that it waited too long. */
export interface QueueTerms {
  readonly timeoutMs: number;
  /** @param begun - Whether the work had begun: then it goes on, and its outcome is unknown. */
  readonly tooSlow: (begun: boolean) => Error;
}

/** Work on one session, one after the other. It belongs to the store and not to a caller, who may stop waiting. */
export class WorkQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  get isIdle(): boolean {
    return this.#length === 0;
  }

  /** Resolves when everything that was asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  /** Settles as the work does, or as too slow; work that has not begun by then is never done. */
  run<T>(work: () => Promise<T>, terms: QueueTerms): Promise<T> {
    let begun = false;
    let givenUp = false;
    this.#length += 1;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        givenUp = true;
        reject(terms.tooSlow(begun));
      }, terms.timeoutMs);
      const turn = async (): Promise<void> => {
        try {
          if (givenUp) return;
          begun = true;
          resolve(await work());
        } catch (error) {
          reject(error);
        } finally {
          clearTimeout(timer);
          this.#length -= 1;
        }
      };
      this.#tail = this.#tail.then(turn);
    });
  }
}
