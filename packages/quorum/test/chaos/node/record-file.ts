// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open, readFile } from "node:fs/promises";

interface Waiting {
  readonly id: string;
  readonly line: string;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Records in an append-only file, one line each. A record counts when the disk has it; those that wait at the same
 * time share one sync. A record that is there already is not written again.
 */
export class RecordFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #kept: Map<string, Promise<void>>;
  #waiting: Waiting[] = [];
  #isFlushing = false;
  #broken: Error | undefined;

  private constructor(file: FileHandle, ids: readonly string[]) {
    this.#file = file;
    this.#kept = new Map(ids.map((id) => [id, Promise.resolve()]));
  }

  /** Opens or creates. What a killed process left of a line behind the last complete one is cut off. */
  static async open(path: string): Promise<RecordFile> {
    const file = await open(path, "a+");
    const text = await readFile(path, "utf8");
    const complete = text.slice(0, text.lastIndexOf("\n") + 1);
    if (complete.length < text.length) await file.truncate(Buffer.byteLength(complete));
    // What the page cache has of a killed process need not be on the disk yet.
    await file.datasync();
    return new RecordFile(file, idsIn(complete));
  }

  /** Resolves when the record is durable. After a failed write nothing is accepted any more. */
  append(id: string, value: string): Promise<void> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept;
    const written = new Promise<void>((done, failed) => {
      this.#waiting.push({ id, line: `${JSON.stringify([id, value])}\n`, done, failed });
    });
    this.#kept.set(id, written);
    void this.#flush();
    return written;
  }

  /** For one who has nothing under way. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        if (this.#broken !== undefined) throw this.#broken;
        await this.#file.appendFile(batch.map(({ line }) => line).join(""));
        await this.#file.datasync();
        for (const { done } of batch) done();
      } catch (error) {
        this.#broken = error as Error;
        for (const { failed } of batch) failed(error);
      }
    }
    this.#isFlushing = false;
  }
}

/** The ids of the complete lines of a file, each once; none if there is no file. */
export async function idsOnDisk(path: string): Promise<readonly string[]> {
  try {
    const text = await readFile(path, "utf8");
    return [...new Set(idsIn(text.slice(0, text.lastIndexOf("\n") + 1)))];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function idsIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as readonly [string, string])[0]);
}
