// SPDX-License-Identifier: Apache-2.0
import {
  type ConfState,
  decodeConfChange,
  type Entry,
  type HardState,
  type InitialState,
  isEmptyHardState,
  isEmptySnap,
  type LogError,
  MemoryStorage,
  type Message,
  type MessageType,
  type NodeId,
  newEntry,
  newMessage,
  type RaftConfig,
  RawNode,
  type ReadState,
  type Ready,
  type Snapshot,
  type StateType,
} from "../../../src/raft/index.ts";

export interface PeerOptions extends Partial<Omit<RaftConfig, "storage">> {
  readonly id: NodeId;
  readonly voters?: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** The terms of the entries that the log begins with, from index 1. */
  readonly terms?: readonly number[];
  readonly hardState?: HardState;
}

/** A memory storage that knows a configuration without a snapshot, so that logs can begin at index 1. */
class ScenarioStorage extends MemoryStorage {
  confState: ConfState;

  constructor(confState: ConfState) {
    super();
    this.confState = confState;
  }

  override initialState(): InitialState {
    return { hardState: this.hardState, confState: this.confState };
  }
}

/** One node with its storage, and a host that does what each Ready says in the order it says. */
export class Peer {
  readonly storage: ScenarioStorage;
  readonly config: RaftConfig;
  raw: RawNode;
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];

  constructor(options: PeerOptions) {
    const { voters = [1, 2, 3], learners = [], terms = [], hardState, ...config } = options;
    this.storage = new ScenarioStorage({ voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false });
    this.storage.append(entriesOf(terms));
    if (hardState !== undefined) this.storage.setHardState(hardState);
    this.config = {
      electionTick: 10,
      heartbeatTick: 1,
      randomInt: () => 0,
      maxInflightMsgs: 64,
      ...config,
      storage: this.storage,
    };
    this.raw = new RawNode(this.config);
  }

  get id(): NodeId {
    return this.config.id;
  }

  get role(): StateType {
    return this.raw.basicStatus().softState.raftState;
  }

  get lead(): NodeId {
    return this.raw.basicStatus().softState.lead;
  }

  get term(): number {
    return this.raw.basicStatus().hardState.term;
  }

  get vote(): NodeId {
    return this.raw.basicStatus().hardState.vote;
  }

  get commit(): number {
    return this.raw.basicStatus().hardState.commit;
  }

  /** The terms of what is durable, from the first entry that is still there. */
  get terms(): number[] {
    return this.entries().map((entry) => entry.term);
  }

  entries(): readonly Entry[] {
    const first = this.storage.firstIndex();
    if (this.storage.lastIndex() < first) return [];
    return known(this.storage.entries(first, this.storage.lastIndex() + 1, Number.POSITIVE_INFINITY));
  }

  /** What was applied, as text, without empty entries. */
  get values(): string[] {
    return this.applied
      .filter((entry) => entry.type === "EntryNormal" && entry.data.length > 0)
      .map((entry) => new TextDecoder().decode(entry.data));
  }

  /** Works until nothing is left to do. Returns what is to be sent. */
  work(): Message[] {
    const sent: Message[] = [];
    while (this.raw.hasReady()) {
      const ready = this.raw.ready();
      this.persist(ready);
      sent.push(...ready.messages);
      this.apply(ready);
      this.raw.advance();
    }
    return sent;
  }

  persist(ready: Pick<Ready, "hardState" | "entries" | "snapshot">): void {
    if (!isEmptyHardState(ready.hardState)) this.storage.setHardState(ready.hardState);
    if (!isEmptySnap(ready.snapshot)) {
      this.storage.applySnapshot(ready.snapshot);
      this.storage.confState = ready.snapshot.metadata.confState;
    }
    this.storage.append(ready.entries);
  }

  apply(ready: Pick<Ready, "readStates" | "committedEntries">): void {
    this.reads.push(...ready.readStates);
    for (const entry of ready.committedEntries) {
      this.applied.push(entry);
      if (entry.type !== "EntryNormal") this.storage.confState = this.raw.applyConfChange(decodeConfChange(entry));
    }
  }

  /** Delivers one message and works. Returns what is to be sent. */
  receive(type: MessageType, fields: Partial<Message>): Message[] {
    this.raw.step(newMessage(type, { to: this.id, ...fields }));
    return this.work();
  }

  propose(text: string): Message[] {
    this.raw.propose(bytes(text));
    return this.work();
  }

  tick(times = 1): Message[] {
    const sent: Message[] = [];
    for (let i = 0; i < times; i++) {
      this.raw.tick();
      sent.push(...this.work());
    }
    return sent;
  }

  /** Becomes candidate, and leader with the votes of the others. Returns what it sends as leader. */
  win(): Message[] {
    this.raw.campaign();
    this.work();
    const sent: Message[] = [];
    for (const from of this.raw.status().config.voters.incoming) {
      if (from !== this.id && this.role === "StateCandidate") {
        sent.push(...this.receive("MsgVoteResp", { from, term: this.term }));
      }
    }
    return sent;
  }

  /** Loses everything that is not durable, and starts again. */
  crash(): void {
    this.applied.length = 0;
    this.raw = new RawNode(this.config);
  }
}

export function entriesOf(terms: readonly number[], firstIndex = 1): Entry[] {
  return terms.map((term, i) => newEntry({ term, index: firstIndex + i }));
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function ofType(messages: readonly Message[], type: MessageType): Message[] {
  return messages.filter((m) => m.type === type);
}

export function snapshotOf(index: number, term: number, voters: readonly NodeId[] = [1, 2, 3]): Snapshot {
  const confState: ConfState = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  return { data: bytes(`state at ${index}`), metadata: { index, term, confState } };
}

function known(found: readonly Entry[] | LogError): readonly Entry[] {
  if ("code" in found) throw new Error(found.message);
  return found;
}

/** A sequence of whole numbers that is the same in every run. */
export function seeded(seed: number): (exclusiveBound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
