// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QUESTION_BYTES } from "./messages.ts";

/** How often an answer is looked for, and how long; a host that lives answers within a turn of its event loop. */
const LOOK_EVERY_MS = 0.2;
const LIMIT_MS = 30_000;

/**
 * Two named pipes over which another process is asked while this one stands still: a tenure is asked synchronously, so
 * that nothing can come between the answer and what relies on it.
 */
export class QuestionPipes {
  readonly questions: string;
  readonly answers: string;
  readonly #directory: string;
  readonly #out: number;
  readonly #in: number;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #closed = false;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), "tsoracle-raft-pipes-"));
    this.questions = join(this.#directory, "questions");
    this.answers = join(this.#directory, "answers");
    execFileSync("mkfifo", [this.questions, this.answers]);
    // Open for both, a pipe can be opened before the other side is there.
    this.#out = openSync(this.questions, constants.O_RDWR);
    this.#in = openSync(this.answers, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Whether the other side says yes; no, once it is gone. */
  ask(number: number): boolean {
    if (this.#closed) return false;
    const question = Buffer.alloc(QUESTION_BYTES);
    question.writeUInt32LE(number);
    writeSync(this.#out, question);
    const answer = new Uint8Array(1);
    for (let waited = 0; waited < LIMIT_MS; waited += LOOK_EVERY_MS) {
      const read = this.#read(answer);
      if (read !== undefined) return read === 1 && answer[0] === 1;
      Atomics.wait(this.#cell, 0, 0, LOOK_EVERY_MS);
    }
    throw new Error(`a process did not say within ${LIMIT_MS} ms whether a tenure holds`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#out);
    closeSync(this.#in);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** How many bytes there were; 0 once nobody writes any more, undefined if there is nothing yet. */
  #read(into: Uint8Array): number | undefined {
    try {
      return readSync(this.#in, into);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
      throw error;
    }
  }
}
