// SPDX-License-Identifier: Apache-2.0
import { AssertionError } from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { generateHistory, type Operation, showOperation } from "../history/operation.ts";
import { type HistoryTrial, runHistory } from "../history/run-history.ts";
import { shrink } from "../history/shrink.ts";

const LENGTH = 60;
const MAX_SHRINK_TRIES = 120;

export const historyClauses: ClausesOf<"history"> = {
  "history.model": clause({
    sentence: "a random history of calls, restarts and elections answers as a three-value model does",
    needs: [],
    uses: ["crash", "elect"],
    runs: 5,
    body: async (trial) => {
      const history = generateHistory(trial.random, trial.subject, LENGTH);
      let failure = await failureOf(trial, history);
      if (failure === undefined) return;
      const inNewUniverse = async (candidate: readonly Operation[]): Promise<boolean> => {
        trial.signal.throwIfAborted();
        const other = await trial.another();
        try {
          const again = await failureOf(other, candidate);
          failure = again ?? failure;
          return again !== undefined;
        } finally {
          await other[Symbol.asyncDispose]();
        }
      };
      const smallest = await shrink(history, inNewUniverse, MAX_SHRINK_TRIES);
      const steps = smallest.map((operation, index) => `  ${index + 1}. ${showOperation(operation)}`).join("\n");
      throw new AssertionError({ message: `${failure.message}\nafter this history, shrunk:\n${steps}\n` });
    },
  }),
};

/** The assertion that a history fails, if any. Whatever else goes wrong is thrown. */
async function failureOf(trial: HistoryTrial, history: readonly Operation[]): Promise<Error | undefined> {
  try {
    await runHistory(trial, history);
    return undefined;
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}
