// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { answer, type ModelJournal, type ModelState, type ModelWrite } from "./journal-model.ts";

/** One way in which things may stand: what is there, and what may still arrive. */
interface Belief {
  readonly state: ModelState;
  /** Writes without an answer that were not carried out so far. */
  readonly pending: readonly ModelWrite[];
}

/**
 * Everything that may be true. A write has three outcomes: done, refused, and unknown; the last splits every belief in
 * two, and what is seen later leaves those that agree with it. When none is left, the journal broke its word.
 */
export class Beliefs {
  #all: readonly Belief[] = [{ state: {}, pending: [] }];

  /** Whether some write has had no answer. */
  get doubtful(): boolean {
    return this.#doubtful;
  }
  #doubtful = false;

  /** The journal in the first belief, for choosing what to do next. */
  likely(id: string): ModelJournal | undefined {
    return this.#all[0]?.state[id];
  }

  resolved(write: ModelWrite, created: boolean | undefined): void {
    this.#keep("it resolved", ({ state, pending }) => {
      const said = answer(state, write);
      if ("code" in said || said.created !== created) return [];
      return [{ state: said.state, pending }];
    });
  }

  refused(write: ModelWrite, code: string): void {
    this.#keep(`it was refused as ${code}`, (belief) => {
      const said = answer(belief.state, write);
      return "code" in said && said.code === code ? [belief] : [];
    });
  }

  uncertain(write: ModelWrite): void {
    this.#doubtful = true;
    this.#keep("its outcome is unknown", ({ state, pending }) => [{ state, pending: [...pending, write] }]);
  }

  saw(id: string, seen: string, expected: (journal: ModelJournal | undefined) => string): void {
    const possible = new Set(this.#arrived().map(({ state }) => expected(state[id])));
    this.#keep(`a load showed\n  ${seen}\nand possible was only\n  ${[...possible].join("\n  ")}`, (belief) =>
      expected(belief.state[id]) === seen ? [belief] : [],
    );
  }

  #keep(what: string, judge: (belief: Belief) => readonly Belief[]): void {
    const left = this.#arrived().flatMap(judge);
    if (left.length === 0) assert.fail(`${what}, which nothing that may be true explains`);
    const unique = new Map(left.map((belief) => [JSON.stringify(belief), belief]));
    this.#all = [...unique.values()];
  }

  /** The beliefs, and those in which some of what was under way has arrived by now, in any order. */
  #arrived(): readonly Belief[] {
    const reached = new Map<string, Belief>();
    const visit = (belief: Belief): void => {
      const key = JSON.stringify(belief);
      if (reached.has(key)) return;
      reached.set(key, belief);
      for (const [index, write] of belief.pending.entries()) {
        const said = answer(belief.state, write);
        const pending = belief.pending.filter((_, other) => other !== index);
        visit({ state: "code" in said ? belief.state : said.state, pending });
      }
    };
    for (const belief of this.#all) visit(belief);
    return [...reached.values()];
  }
}
