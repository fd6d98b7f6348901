// SPDX-License-Identifier: Apache-2.0
import { type Hello, PROTOCOL_MAX, PROTOCOL_MIN, type Refusal, type RefusalReason } from "./hello.ts";

/** What the node's applied state and its own records say about peers. Asked anew for each Hello. */
export interface PeerDirectory {
  /** The storage id that belongs to a member; undefined where none is known. */
  storageOf(id: number): string | undefined;
  wasRemoved(id: number): boolean;
}

/** What the registry keeps of one start of a peer's process. */
interface Start {
  readonly bootCount: number;
  readonly incarnation: string;
  firstMs: number;
  lastMs: number;
}

interface Record {
  accepted: Start;
  /** Another start that speaks for the same node, and is not accepted or not yet. */
  rival: Start | undefined;
  cloned: boolean;
}

/** A start that says Hello twice, this far apart, is a living process and not a late packet. */
export const ALIVE_AFTER_MS = 500;
/** A newer start is accepted when the older one, whose stream was closed, has not come back for this long. */
export const SUCCESSION_MS = 2_000;

/**
 * Judges every Hello (raft.md I1 to I4, X2): the same cluster, the right node, the disk that belongs to
 * it, and one living start of it at a time. Pure: time is an argument, monotonic milliseconds.
 */
export class PeerRegistry {
  readonly #self: Pick<Hello, "clusterId" | "genesis" | "nodeId" | "timing">;
  readonly #directory: PeerDirectory;
  readonly #records = new Map<number, Record>();

  constructor(self: Pick<Hello, "clusterId" | "genesis" | "nodeId" | "timing">, directory: PeerDirectory) {
    this.#self = self;
    this.#directory = directory;
  }

  /**
   * Undefined if the peer is who it should be. `live` says whether a stream of an accepted start of the
   * same node stands now; after `busy` the caller must close it, so that a living peer has to come back.
   */
  judge(hello: Hello, nowMs: number, live: boolean): Refusal | undefined {
    return this.#judgeIdentity(hello) ?? this.#judgeStart(hello, nowMs, live);
  }

  #judgeIdentity(hello: Hello): Refusal | undefined {
    const { clusterId, genesis, nodeId, timing } = this.#self;
    if (hello.protocolMin > PROTOCOL_MAX || hello.protocolMax < PROTOCOL_MIN) {
      const theirs = `${hello.protocolMin}..=${hello.protocolMax}`;
      return refuse("protocol", `expected a peer protocol in ${PROTOCOL_MIN}..=${PROTOCOL_MAX}, got ${theirs}`);
    }
    if (hello.clusterId !== clusterId) {
      return refuse("cluster", `expected a node of cluster ${clusterId}, got one of ${hello.clusterId}`);
    }
    if (hello.genesis !== genesis && hello.genesis !== "" && genesis !== "") {
      return refuse("genesis", "the two nodes were formatted with different lists of first members");
    }
    if (hello.timing !== timing) {
      return refuse("timing", `expected heartbeat, election timeout and drift ${timing}, got ${hello.timing}`);
    }
    if (hello.to !== 0 && hello.to !== nodeId) {
      return refuse("recipient", `this is node ${nodeId}, not ${hello.to}: the address of a member is wrong`);
    }
    if (hello.nodeId === nodeId || hello.nodeId < 1) {
      return refuse("sender", `node ${hello.nodeId} cannot be a peer of node ${nodeId}`);
    }
    return this.#judgeMember(hello);
  }

  #judgeMember({ nodeId, storageId }: Hello): Refusal | undefined {
    if (this.#directory.wasRemoved(nodeId)) {
      return refuse("removed", `node ${nodeId} was removed from the cluster; format a new node under a new id`);
    }
    const expected = this.#directory.storageOf(nodeId);
    if (expected === undefined || expected === storageId) return undefined;
    return refuse(
      "storage_replaced",
      `the disk of node ${nodeId} was replaced: expected storage ${expected}, got ${storageId}; remove the member and add a new one under a new id`,
    );
  }

  #judgeStart(hello: Hello, nowMs: number, live: boolean): Refusal | undefined {
    const record = this.#records.get(hello.nodeId);
    if (record === undefined) {
      this.#records.set(hello.nodeId, { accepted: startOf(hello, nowMs), rival: undefined, cloned: false });
      return undefined;
    }
    if (record.cloned) return refuseClone(hello);
    if (sameStart(record.accepted, hello)) return this.#accepted(record, hello, nowMs);
    return this.#other(record, hello, nowMs, live);
  }

  /** The accepted start speaks again. If a rival spoke too, and not just now, both of them live. */
  #accepted(record: Record, hello: Hello, nowMs: number): Refusal | undefined {
    const { rival } = record;
    record.accepted.lastMs = nowMs;
    if (rival === undefined || nowMs - rival.firstMs < ALIVE_AFTER_MS) return undefined;
    if (nowMs - rival.lastMs > 2 * SUCCESSION_MS) {
      record.rival = undefined;
      return undefined;
    }
    record.cloned = true;
    return refuseClone(hello);
  }

  #other(record: Record, hello: Hello, nowMs: number, live: boolean): Refusal | undefined {
    const newer = hello.bootCount > record.accepted.bootCount;
    if (newer && !live && record.rival === undefined) {
      record.accepted = startOf(hello, nowMs);
      return undefined;
    }
    if (record.rival === undefined || !sameStart(record.rival, hello)) {
      record.rival = startOf(hello, nowMs);
      return refuse("busy", `another start of node ${hello.nodeId} is being heard; this one has to wait`);
    }
    const { rival } = record;
    rival.lastMs = nowMs;
    return newer ? this.#succeed(record, rival, hello, nowMs) : this.#return(record, rival, hello, nowMs);
  }

  /** A newer start waits until the older one has been silent for long enough. */
  #succeed(record: Record, rival: Start, hello: Hello, nowMs: number): Refusal | undefined {
    if (record.accepted.lastMs >= rival.firstMs + ALIVE_AFTER_MS) {
      record.cloned = true;
      return refuseClone(hello);
    }
    if (nowMs - Math.max(rival.firstMs, record.accepted.lastMs) < SUCCESSION_MS) {
      return refuse("busy", `an older start of node ${hello.nodeId} was heard just now; this one has to wait`);
    }
    record.accepted = rival;
    record.rival = undefined;
    return undefined;
  }

  /** An older start, or one of the same count, must not be alive at all. */
  #return(record: Record, rival: Start, hello: Hello, nowMs: number): Refusal {
    if (nowMs - rival.firstMs < ALIVE_AFTER_MS) {
      return refuse("busy", `a newer start of node ${hello.nodeId} is known; this one has to wait`);
    }
    record.cloned = true;
    return refuseClone(hello);
  }
}

function startOf({ bootCount, incarnation }: Hello, nowMs: number): Start {
  return { bootCount, incarnation, firstMs: nowMs, lastMs: nowMs };
}

function sameStart(start: Start, hello: Hello): boolean {
  return start.bootCount === hello.bootCount && start.incarnation === hello.incarnation;
}

function refuse(reason: RefusalReason, message: string): Refusal {
  return { reason, message };
}

function refuseClone({ nodeId }: Hello): Refusal {
  return refuse(
    "cloned",
    `two processes speak for node ${nodeId}: its directory was copied, or restored from a backup; stop both, remove the member and add a new one under a new id`,
  );
}
