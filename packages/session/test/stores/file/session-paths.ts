// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeFrame } from "../../../src/stores/file/frame.ts";

/** A directory of its own, removed at the end of the `await using` block. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "tsoracle-session-")));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function logPath(directory: string, id: string): string {
  return join(directory, `${createHash("sha256").update(id).digest("hex")}.journal`);
}

export function snapshotPath(directory: string, id: string): string {
  return logPath(directory, id).replace(/journal$/, "snapshot");
}

/** Where each record of a log begins, and where the last ends. */
export function recordPlaces(log: Uint8Array): readonly number[] {
  const places = [0];
  for (let place = 0; place < log.length; ) {
    const found = decodeFrame(log, place, 2 ** 28);
    if (found.kind !== "frame") throw new TypeError(`no record at ${place}`);
    place = found.end;
    places.push(place);
  }
  return places;
}

/** Rewrites a file as `change` says. */
export async function edit(path: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

/** The same bytes with one of them different. */
export function flipped(bytes: Uint8Array, place: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[place] = (copy[place] ?? 0) ^ 0x10;
  return copy;
}
