// SPDX-License-Identifier: Apache-2.0
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { releaseSharedMemory } from "./postgres/shared-memory.ts";
import { atProcessExit } from "./process/at-exit.ts";
import { isGone, ownIdentity, type ProcessIdentity } from "./process/identity.ts";

const PREFIX = "tsoracle-services";

/** The owner is part of the name, so that a directory is never without one, not even at its birth. */
const namePrefix = ({ scope, boot, pid, start }: ProcessIdentity): string =>
  `${PREFIX}-${scope}-${boot}-${pid}-${start}-`;

/** Whose temporary directory a name says it is; undefined if the name is none of ours. */
export function ownerOf(name: string): ProcessIdentity | undefined {
  const match = /^tsoracle-services-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-([0-9a-f]+)-[^-]+$/.exec(name);
  if (match === null) return undefined;
  const [, scope = "", boot = "", pid = "", start = ""] = match;
  return { scope, boot, pid: Number(pid), start };
}

/** Removes what dead processes left behind, and nothing else. Returns the paths that it removed. */
export function sweepDeadDirectories(parent: string = tmpdir()): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(parent)) {
    const owner = ownerOf(name);
    if (owner === undefined || !isGone(owner)) continue;
    const path = join(parent, name);
    try {
      if (!lstatSync(path).isDirectory()) continue;
      remove(path);
      removed.push(path);
    } catch {
      // It belongs to another user, or a server in it is just dying: the next start gets it.
    }
  }
  return removed;
}

/** What a Postgres that was killed left outside its directory is named in there, so that goes first. */
function remove(path: string): void {
  releaseSharedMemory(join(path, "data"));
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** A temporary directory that goes when its owner lets go of it, when this process ends, or when a later one starts. */
export class OwnedDirectory implements AsyncDisposable {
  readonly path: string;
  readonly #forget: () => void;

  static #swept = false;

  constructor() {
    if (!OwnedDirectory.#swept) {
      OwnedDirectory.#swept = true;
      sweepDeadDirectories();
    }
    this.path = mkdtempSync(join(tmpdir(), namePrefix(ownIdentity())));
    // Servers may run as another user, who must be able to reach what is inside.
    chmodSync(this.path, 0o755);
    this.#forget = atProcessExit(() => remove(this.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    this.#forget();
  }
}
