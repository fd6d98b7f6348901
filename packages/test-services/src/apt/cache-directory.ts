// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../settings.ts";

/**
 * The directory for unpacked binaries, made if it is not there. A user without a writable home gets one below the
 * temporary directory instead, unless the place was named explicitly.
 *
 * @throws Error that names the place and SERVICES_CACHE when there is no place to write to
 */
export function openCache(cache: Settings["cache"], temporary: string = tmpdir()): string {
  try {
    return writable(cache.path);
  } catch (error) {
    const reason = (error as Error).message;
    if (cache.isExplicit) throw new Error(`SERVICES_CACHE names a directory that cannot be used: ${reason}`);
    const uid = process.getuid?.() ?? 0;
    const fallback = join(temporary, `tsoracle-test-services-cache-${uid}`);
    try {
      writable(fallback);
    } catch (second) {
      throw new Error(`no directory for the cache (${reason}; ${(second as Error).message}): set SERVICES_CACHE`);
    }
    // Programs are run from here, so nobody else may have made it.
    const { uid: owner, mode } = lstatSync(fallback);
    if (owner !== uid || (mode & 0o022) !== 0) {
      throw new Error(`${fallback} belongs to another user or is open to others: set SERVICES_CACHE`);
    }
    return fallback;
  }
}

function writable(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (!lstatSync(path).isDirectory()) throw new Error(`${path} is not a directory`);
  accessSync(path, constants.W_OK | constants.X_OK);
  return path;
}
