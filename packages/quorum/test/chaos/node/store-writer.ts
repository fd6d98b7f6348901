// SPDX-License-Identifier: Apache-2.0
import type { Agent } from "node:http";
import {
  QuorumPolicy,
  type QuorumRecord,
  type QuorumResult,
  type QuorumWarning,
  QuorumWriter,
} from "../../../src/index.ts";
import { COPIES, QUORUM } from "../fault.ts";
import { httpPeer } from "./http-peer.ts";
import type { WriterKind } from "./writer-kind.ts";

export interface StoreWriterOptions {
  readonly kind: WriterKind;
  readonly store: string;
  readonly peers: readonly string[];
  readonly agent: Agent;
  readonly local: (record: QuorumRecord<string>) => Promise<void>;
  readonly onWarning: (warning: QuorumWarning) => void;
}

/** What the primary writes one store with: our writer, or one of those that must be noticed. */
export interface StoreWriter {
  write(record: QuorumRecord<string>): Promise<QuorumResult>;
  idle(): Promise<void>;
}

export function storeWriter(options: StoreWriterOptions): StoreWriter {
  switch (options.kind) {
    case "quorum":
      return ownWriter(options, QUORUM);
    case "local_only":
      // It is content with its own copy, and sends to the peers all the same.
      return ownWriter(options, 1);
    case "cancels_stragglers":
      return cancellingWriter(options);
    default:
      return options.kind satisfies never;
  }
}

function ownWriter(
  { store, peers, agent, local, onWarning }: StoreWriterOptions,
  w: number,
  cancelled: (recordId: string) => AbortSignal | undefined = () => undefined,
): StoreWriter {
  return new QuorumWriter<string>({
    policy: new QuorumPolicy({ n: COPIES, w }),
    local,
    peers: peers.map((address) => httpPeer(agent, address, store, cancelled)),
    onWarning,
  });
}

/** Takes its answer for the end of a write: what is still on its way to the other peer is cut off, and so is the repetition. */
function cancellingWriter(options: StoreWriterOptions): StoreWriter {
  const answered = new Map<string, AbortController>();
  const inner = ownWriter(options, QUORUM, (id) => answered.get(id)?.signal);
  return {
    async write(record): Promise<QuorumResult> {
      const cancel = new AbortController();
      answered.set(record.id, cancel);
      const result = await inner.write(record);
      cancel.abort();
      return result;
    },
    idle: () => inner.idle(),
  };
}
