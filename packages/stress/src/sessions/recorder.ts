// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from "node:fs";
import type { SharedClock } from "../shared-clock.ts";
import type { CallKind, CallOutcome, RecordLine } from "./call.ts";
import type { EntryText } from "./entry.ts";

/** Writes down every call of one process, in a file of its own. What was written survives a kill of the process. */
export class Recorder implements Disposable {
  readonly #file: number;
  readonly #clock: SharedClock;
  #calls = 0;

  constructor(path: string, clock: SharedClock) {
    this.#file = openSync(path, "ax");
    this.#clock = clock;
  }

  /** The number that the next call will have. */
  get nextCall(): number {
    return this.#calls + 1;
  }

  /** Begins a call; the returned function ends it. */
  begin(kind: CallKind, session: string, text?: EntryText): (outcome: CallOutcome) => void {
    this.#calls += 1;
    const call = this.#calls;
    this.#write({ type: "begin", call, at: this.#clock.now(), kind, session, ...(text === undefined ? {} : { text }) });
    return (outcome) => {
      const recorded = outcome.kind === "owned" ? { ...outcome, epoch: outcome.epoch.toString() } : outcome;
      this.#write({ type: "end", call, at: this.#clock.now(), outcome: recorded });
    };
  }

  alarm(session: string, what: string): void {
    this.#write({ type: "alarm", at: this.#clock.now(), session, what });
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #write(line: RecordLine): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
