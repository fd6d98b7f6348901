// SPDX-License-Identifier: Apache-2.0
import type { JournalFaults, JournalSubject, JournalUniverse } from "@tsoracle/conformance";
import type { FencedJournal, JournalState } from "@tsoracle/consensus";
import type { OwnedSession, SessionManagerError, SessionManagerOptions } from "../../src/index.ts";
import { type TestNode, TestOracle, testNode, type Word, type Words } from "./game.ts";

/** One store, one oracle, and managers on as many nodes as the store lets in. */
export class Rig implements AsyncDisposable {
  readonly oracle: TestOracle = new TestOracle();
  readonly #subject: JournalSubject;
  readonly #universe: JournalUniverse;
  readonly #journals = new Map<number, FencedJournal>();

  private constructor(subject: JournalSubject, universe: JournalUniverse) {
    this.#subject = subject;
    this.#universe = universe;
  }

  static async of(subject: JournalSubject, seed = 1): Promise<Rig> {
    return new Rig(subject, await subject.provision(seed));
  }

  get faults(): JournalFaults {
    return this.#universe.faults as JournalFaults;
  }

  /** The journal of a node; a store that one process has serves all nodes through the same. */
  async journal(node: number): Promise<FencedJournal> {
    const at = node % this.#subject.nodes;
    const open = this.#journals.get(at) ?? (await this.#universe.open(at));
    this.#journals.set(at, open);
    return open;
  }

  async manager(node: number, changes: Partial<SessionManagerOptions<Words, Word>> = {}): Promise<TestNode> {
    return testNode(`node-${"abc"[node]}`, await this.journal(node), this.oracle, changes);
  }

  /** What the store holds, told by a node that no fault has struck. */
  async stored(id: string, node = 0): Promise<JournalState> {
    return await (await this.journal(node)).load(id);
  }

  /** The process of a node dies; its journal is opened anew when it is next asked for. */
  async crash(node: number): Promise<void> {
    const at = node % this.#subject.nodes;
    await this.faults.crash(at);
    this.#journals.delete(at);
  }

  /** Closes the store in order, on all nodes. */
  async shutDown(): Promise<void> {
    for (const journal of this.#journals.values()) await journal[Symbol.asyncDispose]();
    this.#journals.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#universe[Symbol.asyncDispose]();
  }
}

/** Says words one after the other. */
export async function say(session: OwnedSession<Words, Word>, ...spoken: readonly Word[]): Promise<void> {
  for (const word of spoken) await session.append(word);
}

/** What a call was refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`rejected with ${String(error)}, which is no Error`);
  }
  throw new Error("expected a refusal, and the call resolved");
}

/** Why a session is no longer here. */
export function reasonOf(session: OwnedSession<Words, Word>): SessionManagerError {
  return session.signal.reason as SessionManagerError;
}
