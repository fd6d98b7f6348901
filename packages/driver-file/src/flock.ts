// SPDX-License-Identifier: Apache-2.0
import { FileDriverError, reasonOf } from "./file-driver-error.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Where flock(2) has these numbers, keeps two descriptors of one process apart, and dies with its holder. */
const SUPPORTED: readonly string[] = ["linux", "darwin", "freebsd", "openbsd"];

interface Flock {
  /** Zero, or -1 with `errno`. */
  readonly call: (descriptor: number, operation: number) => number;
  readonly errno: () => number;
  readonly names: Readonly<Record<string, number>>;
}

let loaded: Promise<Flock> | undefined;

/**
 * Tries the exclusive flock(2) of an open file, without waiting.
 *
 * @throws FileDriverError `lock_unavailable` where there is no such lock.
 */
export async function tryFlock(descriptor: number, path: string): Promise<"acquired" | "held"> {
  const { call, errno, names } = await loadFlock(path);
  for (;;) {
    if (call(descriptor, LOCK_EX | LOCK_NB) === 0) return "acquired";
    const code = errno();
    if (code === names["EINTR"]) continue;
    if (code === names["EWOULDBLOCK"] || code === names["EAGAIN"]) return "held";
    throw unavailable(path, `flock failed with ${nameOf(code, names)}; the file system may not support it`);
  }
}

function loadFlock(path: string): Promise<Flock> {
  if (!SUPPORTED.includes(process.platform)) {
    throw unavailable(path, `it needs flock(2), which ${process.platform} does not have`);
  }
  loaded ??= bindFlock();
  return loaded.catch((error: unknown) => {
    throw unavailable(path, `the native binding koffi could not be loaded: ${reasonOf(error)}`);
  });
}

/** Loaded on first use, so that a platform without the binding hears of it in words. */
async function bindFlock(): Promise<Flock> {
  const { default: koffi } = await import("koffi");
  const call: Flock["call"] = koffi.load(null).func("int flock(int descriptor, int operation)");
  return { call, errno: () => koffi.errno(), names: koffi.os.errno };
}

function nameOf(code: number, names: Readonly<Record<string, number>>): string {
  return Object.keys(names).find((name) => names[name] === code) ?? `errno ${code}`;
}

function unavailable(path: string, reason: string): FileDriverError {
  return new FileDriverError(
    "lock_unavailable",
    `cannot lock ${path}: ${reason}. Without a lock that ends with its holder two servers could issue the same timestamps, so this one does not start. Use a local file system on Linux, macOS or BSD, or another driver`,
    { path },
  );
}
