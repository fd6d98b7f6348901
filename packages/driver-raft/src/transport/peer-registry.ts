// SPDX-License-Identifier: Apache-2.0
import { type Hello, isStorageId, PROTOCOL_MAX, PROTOCOL_MIN, type Refusal, type RefusalReason } from "./hello.ts";

/** What the node's applied state and its own records say about peers. Asked anew for each Hello. */
export interface PeerDirectory {
  /** The storage id that belongs to a member; undefined where none is known. */
  storageOf(id: number): string | undefined;
  /** The same, as far as the applied state says it, and no record of this node alone. */
  pinnedTo(id: number): string | undefined;
  isMember(id: number): boolean;
  /** Whether it stands in the list of first members that this node was formatted with. */
  isFirstMember(id: number): boolean;
  wasRemoved(id: number): boolean;
}

/** What the registry keeps of one start of a peer's process. */
interface Start {
  readonly bootCount: number;
  readonly incarnation: string;
  readonly firstMs: number;
  lastMs: number;
}

interface Record {
  /** The disk that the starts are of. */
  readonly storageId: string;
  accepted: Start;
  /** A newer start, which is not accepted yet. */
  rival: Start | undefined;
  cloned: boolean;
}

type Self = Pick<Hello, "clusterId" | "genesis" | "nodeId" | "timing" | "incarnation">;

/** A newer start is accepted when the older one, whose stream was closed, has not come back for this long. */
export const SUCCESSION_MS = 2_000;
/** Nodes that are no members, as far as this node knows, whose starts are remembered; those that were heard last. */
export const MOST_STRANGERS = 16;

/**
 * Judges every Hello (raft.md I1 to I4, X2): the same cluster, the right node, the disk that belongs to
 * it, and one living start of it at a time. Pure: time is an argument, monotonic milliseconds.
 *
 * The starts of one disk are ordered by its boot count, and each begins when the one before has ended. So there is a copy
 * of the disk exactly if two starts have the same count, or if a start lives on after a newer one was heard. That a
 * Hello of an older start arrives shows nothing, since it may have been on its way for as long as this node was stopped;
 * it is dropped as stale. Its refusal says which newer start was known. Who can repeat that in the next Hello lived
 * after the newer start had begun, however long the Hello took.
 */
export class PeerRegistry {
  readonly #self: Self;
  readonly #directory: PeerDirectory;
  readonly #records = new Map<number, Record>();

  constructor(self: Self, directory: PeerDirectory) {
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

  /**
   * Whether that disk may still speak for the node. A node that lags behind listens to members that it does not know yet,
   * since one of them may lead. Once it has applied that such a node is a member, it counts its votes and what it
   * acknowledges, and it knows its disk, too. So this is asked for every message, and not only at the Hello: a disk
   * that was lost and formatted again while this node did not know better must not be counted afterwards (I3).
   */
  stands(nodeId: number, storageId: string): boolean {
    return storageId === (this.#directory.storageOf(nodeId) ?? storageId);
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
    if (hello.genesis === "" && this.#directory.isFirstMember(hello.nodeId)) {
      return refuse(
        "genesis",
        `node ${hello.nodeId} is a first member, but was formatted to join; format it with --members as the others were`,
      );
    }
    if (hello.timing !== timing) {
      return refuse("timing", `expected heartbeat, election timeout and drift ${timing}, got ${hello.timing}`);
    }
    if (hello.to !== 0 && hello.to !== nodeId) {
      return refuse("recipient", `this is node ${nodeId}, not ${hello.to}: the address of a member is wrong`);
    }
    if (!isStorageId(hello.storageId)) {
      return refuse("sender", `expected a storage id of 1 to 64 printable characters of node ${hello.nodeId}`);
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
    if (record === undefined || record.storageId !== hello.storageId) return this.#first(hello, nowMs, live);
    if (record.cloned) return refuseClone(hello);
    const newest = record.rival ?? record.accepted;
    const isTwin = isTwinOf(record.accepted, hello) || isTwinOf(newest, hello);
    if (isTwin || this.#livedBesideNewer(hello)) {
      record.cloned = true;
      return refuseClone(hello);
    }
    if (hello.bootCount < newest.bootCount) return this.#stale(record, newest, hello, nowMs);
    if (hello.bootCount > newest.bootCount) return this.#newer(record, hello, nowMs, live);
    newest.lastMs = nowMs;
    return record.rival === undefined ? undefined : this.#succeed(record, record.rival, hello, nowMs);
  }

  /**
   * A node that was not heard before, or was heard with another disk. The directory does not know the disk that belongs to
   * the node if this one lags behind; then the later comer of two is heard when the earlier one is gone. Neither counts
   * for anything until this node knows the member, hence its disk.
   */
  #first(hello: Hello, nowMs: number, live: boolean): Refusal | undefined {
    const other = this.#records.has(hello.nodeId) && this.#directory.storageOf(hello.nodeId) === undefined;
    if (other && live) return refuse("busy", `another disk speaks for node ${hello.nodeId}; this one has to wait`);
    const { nodeId, storageId } = hello;
    this.#forgetStrangers();
    this.#records.set(nodeId, { storageId, accepted: startOf(hello, nowMs), rival: undefined, cloned: false });
    return undefined;
  }

  /** Whoever calls may name any id, so only so many are remembered. Members are never forgotten. */
  #forgetStrangers(): void {
    const strangers = [...this.#records]
      .filter(([id]) => this.#directory.storageOf(id) === undefined)
      .sort(([, a], [, b]) => a.accepted.lastMs - b.accepted.lastMs);
    const many = strangers.length - MOST_STRANGERS + 1;
    for (const [id] of strangers.slice(0, Math.max(0, many))) this.#records.delete(id);
  }

  /** An older start than the newest that was heard: late news of a dead one, unless it shows that it lives. */
  #stale(record: Record, newest: Start, hello: Hello, nowMs: number): Refusal {
    if (hello.bootCount === record.accepted.bootCount) record.accepted.lastMs = nowMs;
    const challenge = `${this.#self.incarnation}/${newest.bootCount}`;
    const message = `a newer start of node ${hello.nodeId} was heard, number ${newest.bootCount}; this is number ${hello.bootCount}`;
    return { ...refuse("stale", message), challenge };
  }

  #livedBesideNewer({ echo, bootCount }: Hello): boolean {
    const ours = `${this.#self.incarnation}/`;
    return echo.startsWith(ours) && Number(echo.slice(ours.length)) > bootCount;
  }

  /** The newest start so far. While an older one seems to be alive, that one gets time to say so. */
  #newer(record: Record, hello: Hello, nowMs: number, live: boolean): Refusal | undefined {
    if (!live && record.rival === undefined) {
      record.accepted = startOf(hello, nowMs);
      return undefined;
    }
    record.rival = startOf(hello, nowMs);
    return refuse("busy", `an older start of node ${hello.nodeId} is being heard; this one has to wait`);
  }

  #succeed(record: Record, rival: Start, hello: Hello, nowMs: number): Refusal | undefined {
    if (nowMs - Math.max(rival.firstMs, record.accepted.lastMs) < SUCCESSION_MS) {
      return refuse("busy", `an older start of node ${hello.nodeId} was heard just now; this one has to wait`);
    }
    record.accepted = rival;
    record.rival = undefined;
    return undefined;
  }
}

function startOf({ bootCount, incarnation }: Hello, nowMs: number): Start {
  return { bootCount, incarnation, firstMs: nowMs, lastMs: nowMs };
}

/** The count is raised durably before a start says anything, so one count is one start. */
function isTwinOf(start: Start, hello: Hello): boolean {
  return start.bootCount === hello.bootCount && start.incarnation !== hello.incarnation;
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
