// SPDX-License-Identifier: Apache-2.0

/**
 * What a session is to its application: a state, and entries that change it. The manager keeps entries and states as
 * bytes and knows nothing else of them. Every function is synchronous and pure: the same arguments give the same
 * answer, and none changes its arguments.
 */
export interface SessionApplication<State, Entry> {
  /** The state of a new session, and after a remount. */
  initial(): State;
  /**
   * The state after one more entry. What it throws for an entry that may not happen now (a move out of turn), the append
   * of that entry rejects with, and nothing is written. It must not throw for an entry that it let pass before.
   */
  apply(state: State, entry: Entry): State;
  encodeEntry(entry: Entry): Uint8Array;
  decodeEntry(bytes: Uint8Array): Entry;
  encodeState(state: State): Uint8Array;
  decodeState(bytes: Uint8Array): State;
}

/** The two functions that a game, a document or a workflow is made of. */
export interface SessionReducer<State, Entry> {
  initial(): State;
  apply(state: State, entry: Entry): State;
}

const encoder = new TextEncoder();
// Bytes that are not what was written are refused, never repaired.
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * An application whose entries and states are JSON. What JSON cannot hold (`undefined`, `bigint`, dates, maps) must not
 * be in them: after a recovery it would be something else.
 */
export function jsonApplication<State, Entry>(reducer: SessionReducer<State, Entry>): SessionApplication<State, Entry> {
  const encode = (value: unknown): Uint8Array => {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`expected a value that JSON can hold, got ${typeof value}`);
    return encoder.encode(text);
  };
  return Object.freeze({
    initial: () => reducer.initial(),
    apply: (state: State, entry: Entry) => reducer.apply(state, entry),
    encodeEntry: encode,
    decodeEntry: (bytes: Uint8Array): Entry => JSON.parse(decoder.decode(bytes)),
    encodeState: encode,
    decodeState: (bytes: Uint8Array): State => JSON.parse(decoder.decode(bytes)),
  });
}

/**
 * An application whose entries are bytes, kept as they are. The reducer says what state they make; without one the
 * state is empty, and the entries are read from `recovery` (choose a backend with `journalOnly` then: a snapshot of an
 * empty state would take the entries away).
 */
export function bytesApplication(
  reducer: SessionReducer<Uint8Array, Uint8Array> = { initial: () => new Uint8Array(), apply: (state) => state },
): SessionApplication<Uint8Array, Uint8Array> {
  const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
  return Object.freeze({
    initial: () => reducer.initial(),
    apply: (state: Uint8Array, entry: Uint8Array) => reducer.apply(state, entry),
    encodeEntry: copy,
    decodeEntry: copy,
    encodeState: copy,
    decodeState: copy,
  });
}
