// SPDX-License-Identifier: Apache-2.0
import { AssertionError } from "node:assert/strict";
import { shrink } from "../../history/shrink.ts";
import { generateJournalHistory, type JournalStep, showJournalStep } from "../history/journal-step.ts";
import { type JournalHistoryTrial, runJournalHistory } from "../history/run-journal-history.ts";
import { type JournalClauses, journalClause } from "../journal-clause.ts";

const LENGTH = 80;
const MAX_SHRINK_TRIES = 150;

export const historyClauses: JournalClauses<"journal.history"> = {
  "journal.history": journalClause({
    sentence:
      "a random history of calls, restarts, crashes and lost replies answers as a model of all that may be does",
    needs: [],
    uses: ["crash", "loseReply"],
    runs: 5,
    body: async (trial) => {
      const history = generateJournalHistory(trial.random, trial.subject, LENGTH);
      let failure = await failureOf(trial, history);
      if (failure === undefined) return;
      const inNewUniverse = async (candidate: readonly JournalStep[]): Promise<boolean> => {
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
      const steps = smallest.map((step, index) => `  ${index + 1}. ${showJournalStep(step)}`).join("\n");
      throw new AssertionError({ message: `${failure.message}\nafter this history, shrunk:\n${steps}\n` });
    },
  }),
};

/** The assertion that a history fails, if any. Whatever else goes wrong is thrown. */
async function failureOf(trial: JournalHistoryTrial, history: readonly JournalStep[]): Promise<Error | undefined> {
  try {
    await runJournalHistory(trial, history);
    return undefined;
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}
