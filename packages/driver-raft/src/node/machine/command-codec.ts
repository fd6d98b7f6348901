// SPDX-License-Identifier: Apache-2.0
import { MachineFormatError, RecordReader, RecordWriter } from "./codec.ts";
import type { Command } from "./command.ts";
import { checkMember, type MemberRecord } from "./member.ts";

/** First byte of each record. A node that meets a higher one was started from an older version of this package. */
export const COMMAND_FORMAT = 1;

const KINDS = { advance: 1, sequences: 2, leases: 3, pin: 4 } as const;

/** The bytes of one replicated entry: format, kind, epoch, body. */
export function encodeCommand(command: Command): Uint8Array {
  const record = new RecordWriter().number(COMMAND_FORMAT).number(KINDS[command.kind]).bigint(command.epoch);
  switch (command.kind) {
    case "advance":
      return record.number(command.atLeast).finish();
    case "sequences":
      return record.list(command.entries, ({ key, count }) => record.text(key).number(count)).finish();
    case "leases":
      return record.list(command.live, (lease) => record.lease(lease)).finish();
    case "pin":
      return record.number(command.member).text(command.storageId).finish();
    default:
      return command satisfies never;
  }
}

/** @throws MachineFormatError for bytes that {@link encodeCommand} of this version cannot have written. */
export function decodeCommand(bytes: Uint8Array): Command {
  const record = new RecordReader(bytes, "replicated command");
  checkFormat(record.number());
  const kind = record.number();
  const command = readBody(kind, record);
  record.end();
  return command;
}

function readBody(kind: number, record: RecordReader): Command {
  const epoch = record.epoch();
  switch (kind) {
    case KINDS.advance:
      return { kind: "advance", epoch, atLeast: record.physicalMs() };
    case KINDS.sequences:
      return { kind: "sequences", epoch, entries: record.list(() => readSeqEntry(record)) };
    case KINDS.leases:
      return { kind: "leases", epoch, live: record.leases() };
    case KINDS.pin:
      return { kind: "pin", epoch, member: record.number(), storageId: record.text() };
    default:
      throw new MachineFormatError(`replicated command: expected a kind in 1..=4, got ${kind}`);
  }
}

function readSeqEntry(record: RecordReader): { key: ReturnType<RecordReader["seqKey"]>; count: number } {
  const entry = { key: record.seqKey(), count: record.number() };
  if (entry.count < 1) throw new MachineFormatError(`replicated command: expected a count of at least 1, got 0`);
  return entry;
}

/** What a membership change carries in its context: the member that is added. */
export function encodeMember(member: MemberRecord): Uint8Array {
  return new RecordWriter().number(COMMAND_FORMAT).member(checkMember(member)).finish();
}

/** @throws MachineFormatError */
export function decodeMember(bytes: Uint8Array): MemberRecord {
  const record = new RecordReader(bytes, "member of a membership change");
  checkFormat(record.number());
  const member = record.member();
  record.end();
  return member;
}

function checkFormat(format: number): void {
  if (format !== COMMAND_FORMAT) {
    throw new MachineFormatError(
      `expected format ${COMMAND_FORMAT} of replicated commands, got ${format}: upgrade this node before it goes on`,
    );
  }
}
