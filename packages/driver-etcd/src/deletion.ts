// SPDX-License-Identifier: Apache-2.0
import type { EtcdStore } from "./client/etcd-store.ts";
import { sleep } from "./sleep.ts";
import type { After } from "./timers.ts";
import { EVENT_DELETE, FILTER_NO_PUT } from "./wire/messages.ts";

/** One life of a key. */
export interface KeyLife {
  readonly key: Uint8Array;
  readonly createRevision: bigint;
  /** It was seen alive at the revision before this one. */
  readonly fromRevision: bigint;
}

export interface DeletionWatch {
  readonly after: After;
  readonly signal: AbortSignal;
  /** The watch is for speed and this for certainty: how often the key is read all the same, in milliseconds. */
  readonly lookEveryMs: number;
  /** How long to pause after a failure, in milliseconds. */
  readonly retryMs: number;
  /** The key could not be read. */
  readonly onDoubt?: () => void;
  /** It was read, and is still there. */
  readonly onAlive?: () => Promise<void>;
}

/**
 * Resolves when that life of the key is over, or the signal is aborted. Never rejects. A watch that ends for another
 * reason, such as a compaction of the revision it begins at, is begun again from what a read shows (T2).
 */
export async function untilDeleted(store: EtcdStore, life: KeyLife, options: DeletionWatch): Promise<void> {
  const { signal, after, retryMs, onDoubt, onAlive } = options;
  let { fromRevision } = life;
  while (!signal.aborted) {
    if (await seenDeleted(store, life.key, fromRevision, options)) return;
    try {
      const { kvs, header } = await store.range({ key: life.key });
      if (kvs[0]?.createRevision !== life.createRevision) return;
      fromRevision = header.revision + 1n;
      await onAlive?.();
    } catch {
      onDoubt?.();
    }
    await sleep(after, retryMs, signal);
  }
}

/** Watches until the key is deleted (true), or until there is a reason to look for oneself (false). */
function seenDeleted(
  store: EtcdStore,
  key: Uint8Array,
  startRevision: bigint,
  { signal, after, lookEveryMs }: DeletionWatch,
): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (deleted: boolean): void => {
      cancel();
      watching.stop();
      signal.removeEventListener("abort", onAbort);
      resolve(deleted);
    };
    const onAbort = (): void => end(false);
    const cancel = after(lookEveryMs, () => end(false));
    const watching = store.watch(
      { key, startRevision, filters: [FILTER_NO_PUT] },
      {
        onEvent: ({ type }) => {
          if (type === EVENT_DELETE) end(true);
        },
        onEnd: () => end(false),
      },
    );
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
