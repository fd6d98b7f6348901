// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";

/**
 * A lock between processes that lasts as long as a listener on an abstract socket: the kernel takes it away with
 * the process, however that ends, so there is no stale lock to judge. Linux only, as is what it protects.
 *
 * It keeps processes from downloading the same thing at once; what they make is renamed into place in one step,
 * so nothing breaks where the lock does not reach, for example between two containers with one cache.
 *
 * @throws Error when another process still holds it after `timeoutMs`
 */
export async function lockCache(path: string, timeoutMs = 180_000): Promise<AsyncDisposable> {
  const name = `\0tsoracle-services-${createHash("sha256").update(path).digest("hex").slice(0, 32)}`;
  const start = performance.now();
  for (;;) {
    const held = await tryListen(name);
    if (held !== undefined) return held;
    const left = timeoutMs - (performance.now() - start);
    if (left <= 0) throw new Error(`another process has been filling ${path} for more than ${timeoutMs} ms`);
    await released(name, left);
  }
}

function tryListen(name: string): Promise<AsyncDisposable | undefined> {
  return new Promise((resolve, reject) => {
    const waiters = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      waiters.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => waiters.delete(socket));
    });
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      resolve({
        [Symbol.asyncDispose]: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const waiter of waiters) waiter.destroy();
          }),
      });
    });
  });
}

/** Waits on a connection to the holder: it breaks when the holder lets go or dies. */
function released(name: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(name);
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
