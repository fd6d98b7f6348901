// SPDX-License-Identifier: Apache-2.0
import type { Timers } from "@tsoracle/quorum";
import { isFilledElsewhere } from "./admission.ts";
import { FillingWatch } from "./filling-watch.ts";
import type { RedisJournalConfig } from "./options.ts";
import { mayFillUnasked, readmitLost } from "./readmission.ts";
import type { RedisNode } from "./redis-node.ts";

/** Processes that see the same node lost wait differently long, so that mostly one of them begins to fill it. */
const FIRST_MS = 500;
const MOST_MS = 10_000;

/** Fills nodes that lost their vote and that may be filled unasked, one after the other, for as long as the journals are open. */
export class Readmitter {
  readonly #nodes: readonly RedisNode[];
  readonly #config: RedisJournalConfig;
  readonly #timers: Timers;
  readonly #chance: () => number;
  readonly #watch: FillingWatch;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  /** Runs in a row that found the node in other hands, and runs that failed; apart, so that the first failure is told. */
  #waits = 0;
  #failures = 0;
  #isClosed = false;

  constructor(
    nodes: readonly RedisNode[],
    config: RedisJournalConfig,
    terms: { readonly timers: Timers; readonly chance: () => number },
  ) {
    this.#nodes = nodes;
    this.#config = config;
    this.#timers = terms.timers;
    this.#chance = terms.chance;
    this.#watch = new FillingWatch(Math.max(MOST_MS, 3 * config.callTimeoutMs));
  }

  /** Some node has changed. */
  look(): void {
    if (this.#isClosed || this.#config.readmission !== "automatic") return;
    if (this.#cancel !== undefined || this.#running !== undefined || !this.#nodes.some(mayFillUnasked)) return;
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** (this.#waits + this.#failures));
    this.#cancel = this.#timers.after(most * (0.2 + 0.8 * this.#chance()), () => {
      this.#cancel = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        this.look();
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#running;
  }

  async #run(): Promise<void> {
    // What another process has filled meanwhile shows only to who looks.
    await Promise.all(this.#nodes.filter(mayFillUnasked).map((node) => node.inspect()));
    const filledByOthers = new Set(
      this.#nodes.filter((node) => this.#watch.isFilledByOthers(node, this.#timers.monotonicMs())),
    );
    const mayFill = (node: RedisNode): boolean => mayFillUnasked(node) && !filledByOthers.has(node);
    try {
      await readmitLost(this.#nodes, this.#config, mayFill, () => this.#isClosed);
      // Whoever waits for another looks again, less and less often.
      this.#waits = filledByOthers.size > 0 ? this.#waits + 1 : 0;
      if (filledByOthers.size === 0) this.#failures = 0;
    } catch (error) {
      if (isFilledElsewhere(error)) {
        this.#waits += 1;
        return;
      }
      this.#failures += 1;
      const node = this.#nodes.find(mayFillUnasked);
      if (node !== undefined && this.#failures === 1) {
        this.#config.onWarning({ node: node.label, message: `could not be filled again: ${String(error)}` });
      }
    }
  }
}
