// SPDX-License-Identifier: Apache-2.0
import { digits, floorOf, readBallot } from "./ballot.ts";
import { ACCEPT, ADOPT, CONTENT, FLOOR, INSTALL, type LuaScript, PROMISE, READ } from "./lua.ts";
import type { ReplicaAnswer, ReplicaRequest } from "./replica.ts";
import { decodeHead, encodeHead, type SessionHead } from "./session-head.ts";

export type ScriptArgument = string | Buffer;

/** The script of a request and what comes after the three arguments that name the node. */
export function scriptOf(request: ReplicaRequest): readonly [LuaScript, readonly ScriptArgument[]] {
  switch (request.kind) {
    case "read":
      return [READ, []];
    case "content":
      return [CONTENT, [request.ballots[0] ?? "", request.ballots[1] ?? "", numberOf(request.rev)]];
    case "floor":
      return [FLOOR, [digits(request.floor)]];
    case "promise":
      return [PROMISE, [request.ballot]];
    case "adopt":
      return [ADOPT, [request.ballot, request.from, String(request.rev)]];
    case "install": {
      const { ballot, rev, content } = request;
      const entries = [...(content?.entries ?? [])].flatMap(([seq, packed]) => [String(seq), asBuffer(packed)]);
      const snapshot = content?.snapshot === undefined ? "" : asBuffer(content.snapshot);
      return [INSTALL, [ballot, String(rev), ...headArguments(content?.head), snapshot, ...entries]];
    }
    case "accept": {
      const { ballot, rev, change } = request;
      const { before, entry, snapshot } = change;
      const fence = before?.fence;
      return [
        ACCEPT,
        [
          ballot,
          String(rev),
          ...headArguments(change.after),
          fence === undefined ? "" : digits(fence.epoch),
          fence?.owner ?? "",
          numberOf(before?.nextSeq),
          numberOf(entry?.seq),
          entry === undefined ? "" : asBuffer(entry.packed),
          snapshot === undefined ? "" : "1",
          snapshot === undefined ? "" : asBuffer(snapshot),
          ...(change.removed ?? []).flatMap(([from, to]) => [String(from), String(to)]),
        ],
      ];
    }
    default:
      return request satisfies never;
  }
}

/** Understands what a script answered. Anything else is a node that is not what it should be. */
export function readReply(reply: unknown): ReplicaAnswer {
  if (!Array.isArray(reply)) return broken(`answered ${typeof reply} to a script`);
  const parts = reply as readonly unknown[];
  try {
    switch (text(parts[0])) {
      case "OK":
        return { kind: "ok", votes: text(parts[1]) === "1" };
      case "HEAD":
        return headAnswer(parts);
      case "CONTENT":
        return contentAnswer(parts);
      case "MOVED":
        return { kind: "moved" };
      case "LAG":
        return { kind: "lag" };
      case "PROMISED":
        return { kind: "promised", ballot: ballotOf(parts[1]) };
      case "FLOOR":
        return { kind: "floor", floor: BigInt(text(parts[1])) };
      case "BROKEN":
        return broken(text(parts[1]));
      case "EMPTY":
        return lost("holds nothing of these journals: its data is gone; it has no vote until it is readmitted");
      case "RESTARTED":
        return lost("has restarted, and restarts are not trusted: it has no vote until it is readmitted");
      case "ALIEN":
        return lost("is not the node that it was: it has no vote until it is looked at again");
      case "VERSION":
        return { ...lost("holds journals of another version: use the release that wrote them"), lasting: true };
      default:
        return broken(`answered ${text(parts[0]).slice(0, 40)} to a script`);
    }
  } catch (error) {
    return broken(`holds something that was not written by this store: ${String(error)}`);
  }
}

function headAnswer([, votes, floor, promised, accepted, rev, head]: readonly unknown[]): ReplicaAnswer {
  const copy = {
    floor: BigInt(text(floor)),
    promised: ballotOf(promised),
    accepted: ballotOf(accepted),
    rev: wholeOf(rev),
    head: headOf(head),
  };
  return { kind: "head", votes: text(votes) === "1", copy };
}

function contentAnswer([, rev, headText, snapshot, pairs]: readonly unknown[]): ReplicaAnswer {
  const head = headOf(headText);
  if (head === undefined) return { kind: "content", rev: wholeOf(rev), content: undefined };
  if (!Array.isArray(pairs) || !(snapshot instanceof Uint8Array)) throw new TypeError("a copy has entries");
  const entries = new Map<number, Uint8Array>();
  for (let index = 0; index < pairs.length; index += 2) entries.set(wholeOf(pairs[index]), pairs[index + 1] as Buffer);
  const kept = head.snapshotSeq === undefined ? undefined : snapshot;
  return { kind: "content", rev: wholeOf(rev), content: { head, snapshot: kept, entries } };
}

function headArguments(head: SessionHead | undefined): readonly [string, string, string, string] {
  if (head === undefined) return ["", "", "", ""];
  return [encodeHead(head), digits(head.fence.epoch), head.fence.owner, String(head.nextSeq)];
}

function headOf(value: unknown): SessionHead | undefined {
  const json = text(value);
  return json === "" ? undefined : decodeHead(json);
}

function ballotOf(value: unknown): ReturnType<typeof requireBallot> {
  return requireBallot(text(value));
}

function requireBallot(value: string): NonNullable<ReturnType<typeof readBallot>> {
  const ballot = readBallot(value);
  if (ballot === undefined || floorOf(ballot) < 0n) throw new TypeError("a ballot has 60 digits");
  return ballot;
}

function wholeOf(value: unknown): number {
  const number = Number(text(value));
  if (!Number.isSafeInteger(number) || number < 0) throw new TypeError("a number is whole");
  return number;
}

function numberOf(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}

function text(value: unknown): string {
  if (value instanceof Uint8Array) return asBuffer(value).toString("utf8");
  return typeof value === "string" ? value : String(value ?? "");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(message: string): ReplicaAnswer {
  return { kind: "broken", message };
}

function lost(message: string): ReplicaAnswer & { readonly kind: "failed" } {
  return { kind: "failed", mayHaveRun: false, lasting: false, message };
}
