// SPDX-License-Identifier: Apache-2.0
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import type { ResponseHeader, WatchRequest, WatchResponse } from "../wire/messages.ts";
import type { Watching, WatchListener } from "./etcd-store.ts";

/** A watch as a member began it. */
export interface WatchStream {
  readonly stream: ClientDuplexStream<WatchRequest, WatchResponse>;
  /** @throws for an answer from another cluster */
  check(header: ResponseHeader): void;
  /** The stream broke. */
  failed(): void;
}

/** Begins a watch. It ends once: with its stream, when etcd cancels it, or when it is stopped. Nothing is resumed here. */
export function openWatch(listener: WatchListener, begin: () => Promise<WatchStream>): Watching {
  let over = false;
  let cancel = (): void => {};
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    cancel();
    listener.onEnd(reason);
  };
  void begin().then(
    ({ stream, check, failed }) => {
      cancel = () => stream.cancel();
      // Errors come also after a cancellation, and an error that nobody hears ends the process.
      stream.on("error", (error: ServiceError) => {
        if (!over) failed();
        end(error.details ?? error.message);
      });
      if (over) return stream.cancel();
      stream.on("data", (response: WatchResponse) => {
        if (over) return;
        try {
          check(response.header);
        } catch (error) {
          return end(String(error));
        }
        for (const event of response.events) if (!over) listener.onEvent(event);
        if (response.canceled) end(cancelled(response));
      });
      stream.on("end", () => end("etcd ended the stream"));
    },
    (error: unknown) => end(String(error)),
  );
  return {
    stop: () => {
      if (over) return;
      over = true;
      cancel();
    },
  };
}

function cancelled({ compactRevision, cancelReason }: WatchResponse): string {
  if (compactRevision > 0n) return `the store is compacted up to revision ${compactRevision}`;
  return cancelReason === "" ? "etcd cancelled the watch" : cancelReason;
}
