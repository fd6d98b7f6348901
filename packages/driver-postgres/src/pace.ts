// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, usableTenureMs } from "@tsoracle/consensus";

/** The intervals of `postgres-redis.md` 2.7, in nanoseconds. They make things fast or slow, never safe. */
export class Pace {
  readonly tenureNs: bigint;
  /** A tenure that was not renewed for so long has lapsed. */
  readonly usableNs: bigint;
  readonly renewEveryNs: bigint;
  /** Lapsed for longer than a tenure, a reign is given up. */
  readonly stepDownAfterNs: bigint;
  /** How long polls are frequent after an announcement. */
  readonly hurryNs: bigint;
  /** How long others go first after a resignation. */
  readonly standBackNs: bigint;
  readonly #tenureMs: number;
  readonly #random: () => number;

  /** @param random from 0 up to 1 */
  constructor(terms: TenureTerms, random: () => number) {
    const usable = usableTenureMs(terms);
    this.#tenureMs = terms.tenureMs;
    this.#random = random;
    this.tenureNs = ns(terms.tenureMs);
    this.usableNs = ns(usable);
    this.renewEveryNs = ns(terms.tenureMs / 4);
    this.stepDownAfterNs = ns(usable + terms.tenureMs);
    this.hurryNs = ns(terms.tenureMs / 10);
    this.standBackNs = ns(terms.tenureMs / 3);
  }

  /** Uniform in [D/30, D/10]; a few milliseconds while the lock is about to be free. */
  pollDelayNs(hurry: boolean): bigint {
    const share = this.#random();
    return ns(hurry ? 2 + 8 * share : this.#tenureMs * (1 / 30 + share * (1 / 10 - 1 / 30)));
  }

  /** Doubles from D/100 to D/3, with jitter. `attempt` counts from 0. */
  retryDelayNs(attempt: number): bigint {
    const base = Math.min(this.#tenureMs / 3, (this.#tenureMs / 100) * 2 ** Math.min(attempt, 10));
    return ns(base * (0.5 + this.#random() / 2));
  }

  /** For what needs a person: once in one to two tenures. */
  slowRetryNs(): bigint {
    return ns(this.#tenureMs * (1 + this.#random()));
  }
}

function ns(ms: number): bigint {
  return BigInt(Math.ceil(ms * 1e6));
}
