// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from "node:fs";
import { toJson } from "@tsoracle/conformance/checker";
import { type Alarm, outcomeOf, type RecordLine, type SessionCall } from "./call.ts";
import { readEntry } from "./entry.ts";
import type { RecordFile } from "./workers.ts";

const CHUNK_BYTES = 1 << 20;

/** Reads what has been added to a record since the last time. */
class RecordReader {
  readonly record: RecordFile;
  #offset = 0;
  #rest = "";

  constructor(record: RecordFile) {
    this.record = record;
  }

  read(): readonly RecordLine[] {
    const added = this.#added();
    if (added === "") return [];
    const lines = (this.#rest + added).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => JSON.parse(line) as RecordLine);
  }

  #added(): string {
    let file: number;
    try {
      file = openSync(this.record.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
    try {
      let text = "";
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        const size = readSync(file, chunk, 0, chunk.length, this.#offset);
        if (size === 0) return text;
        this.#offset += size;
        // Records are ASCII, so that no character is cut in two.
        text += chunk.toString("latin1", 0, size);
      }
    } finally {
      closeSync(file);
    }
  }
}

interface Owner {
  readonly worker: number;
  readonly epoch: bigint;
  /** When the call began that made it the owner. */
  readonly since: number;
}

type Open = Omit<SessionCall, "end" | "outcome">;

/** Everything that the workers called, and who owns what as far as it is known. */
export class SessionHistory {
  readonly #readers = new Map<string, RecordReader>();
  readonly #open = new Map<string, Open>();
  readonly #calls: SessionCall[] = [];
  readonly #alarms: Alarm[] = [];
  readonly #owners = new Map<string, Owner>();
  /** By session: when the newest call began that was acknowledged. */
  readonly #acknowledged = new Map<string, number>();

  /** Takes in what was added to the records. */
  read(records: readonly RecordFile[]): void {
    for (const record of records) {
      const reader = this.#readers.get(record.path) ?? new RecordReader(record);
      this.#readers.set(record.path, reader);
      for (const line of reader.read()) this.#add(record, line);
    }
  }

  /** All calls, those among them that nobody ever heard the end of. Call it once, when every worker has ended. */
  finish(): readonly SessionCall[] {
    const cut = [...this.#open.values()].map(
      (call): SessionCall => ({ ...call, end: Number.POSITIVE_INFINITY, outcome: { kind: "unknown", code: "killed" } }),
    );
    this.#open.clear();
    this.#calls.push(...cut);
    return this.#calls;
  }

  get alarms(): readonly Alarm[] {
    return this.#alarms;
  }

  /** The sessions whose newest owner this worker is. */
  ownedBy(worker: number): readonly string[] {
    return [...this.#owners].flatMap(([session, owner]) => (owner.worker === worker ? [session] : []));
  }

  /** Whether one of these sessions was made another worker's by a call that began after an instant. */
  isReplaced(sessions: readonly string[], worker: number, since: number): boolean {
    return sessions.some((session) => {
      const owner = this.#owners.get(session);
      return owner !== undefined && owner.worker !== worker && owner.since > since;
    });
  }

  /** How many sessions had an entry acknowledged whose append began after an instant. */
  servedSince(instant: number): number {
    return [...this.#acknowledged.values()].filter((begin) => begin > instant).length;
  }

  /** What is known of sessions that took no entry since an instant, for people. */
  unserved(sessions: readonly string[], since: number): string {
    const silent = sessions.filter((session) => (this.#acknowledged.get(session) ?? -1) <= since);
    const last = this.#calls.findLast(({ session }) => session === silent[0]);
    const open = [...this.#open.values()].find(({ session }) => session === silent[0]);
    const outcome =
      last === undefined ? "nothing" : `${last.kind} by worker ${last.caller}: ${JSON.stringify(toJson(last.outcome))}`;
    const under = open === undefined ? "" : `; under way is ${open.kind} by worker ${open.caller}`;
    return `${silent.join(", ")}; the last of ${silent[0]} was ${outcome}${under}`;
  }

  #add({ worker, caller }: RecordFile, line: RecordLine): void {
    switch (line.type) {
      case "begin": {
        const { call, kind, session, at, text } = line;
        const entry = text === undefined ? undefined : entryOf(text);
        const began = { worker, caller, kind, session, begin: at, ...(entry === undefined ? {} : { entry }) };
        this.#open.set(`${caller}.${call}`, began);
        return;
      }
      case "end": {
        const key = `${caller}.${line.call}`;
        const began = this.#open.get(key);
        if (began === undefined)
          throw new Error(`the record of worker ${caller} ends call ${line.call}, which never began`);
        this.#open.delete(key);
        this.#ended({ ...began, end: line.at, outcome: outcomeOf(line.outcome) });
        return;
      }
      case "alarm": {
        const { at, session, what } = line;
        this.#alarms.push({ caller, at, session, what });
        return;
      }
      default:
        line satisfies never;
    }
  }

  #ended(call: SessionCall): void {
    this.#calls.push(call);
    const { session, outcome, worker, begin } = call;
    if (outcome.kind === "appended") {
      this.#acknowledged.set(session, Math.max(begin, this.#acknowledged.get(session) ?? 0));
    }
    if (outcome.kind !== "owned") return;
    const known = this.#owners.get(session);
    if (known !== undefined && known.epoch > outcome.epoch) return;
    this.#owners.set(session, { worker, epoch: outcome.epoch, since: begin });
  }
}

function entryOf(text: string): NonNullable<SessionCall["entry"]> {
  const entry = readEntry(text);
  if (entry === undefined) throw new Error(`a worker wrote ${JSON.stringify(text)}, which is no entry`);
  return { text, id: entry.id, epoch: entry.epoch };
}
