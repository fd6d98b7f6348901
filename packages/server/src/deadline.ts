// SPDX-License-Identifier: Apache-2.0

/** Waits for `work` for at most `ms`; whether it was done by then. A failure counts as done. */
export function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    const done = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(done, done);
  });
}
