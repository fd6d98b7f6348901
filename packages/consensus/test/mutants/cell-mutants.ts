// SPDX-License-Identifier: Apache-2.0
import { type LeaderState, LeadershipCell } from "../../src/index.ts";

/** Shows a slow reader the newest state and nothing of what lay between. */
export class MergesReigns extends LeadershipCell {
  override async *read(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState, void, undefined> {
    let first = true;
    for await (const item of super.read(options)) {
      if (first || item.role === "leader") yield item;
      first = false;
    }
  }
}

/** Wakes only readers that already wait: what happens in between is lost to them. */
export class MissesWakeUps extends LeadershipCell {
  #wake: ((item: LeaderState) => void) | undefined;

  override set(next: LeaderState): void {
    super.set(next);
    this.#wake?.(next);
  }

  override async *read(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState, void, undefined> {
    yield this.current;
    while (!options.signal.aborted) {
      yield await new Promise<LeaderState>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
