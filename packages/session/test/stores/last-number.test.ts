// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFileJournal } from "../../src/file.ts";
import { readHead, readState } from "../../src/stores/postgres/rows.ts";
import { decodeHead, encodeHead, firstHead, headAfter } from "../../src/stores/redis/session-head.ts";

const a = { epoch: 1n, owner: "a" };
const last = Number.MAX_SAFE_INTEGER;

describe("the last number that there is", () => {
  it("leaves a session on Redis nodes readable", () => {
    const write = { kind: "snapshot", fence: a, seq: last, ahead: true } as const;
    const head = headAfter(firstHead(a, true, "t1"), write, "t2");
    expect(decodeHead(encodeHead(head))).toEqual(head);
    const cut = headAfter(head, { kind: "truncate", fence: a, seq: last }, "t3");
    expect(decodeHead(encodeHead(cut))).toEqual(cut);
  });

  it("leaves a session in Postgres readable", () => {
    const row = { epoch: "1", owner: "a", next_seq: String(last + 1), snapshot_seq: String(last) };
    expect(readHead("s", row).nextSeq).toBe(last + 1);
    const head = { kind: "head", epoch: "1", owner: "a", seq: String(last + 1), ts: String(last), first_seq: null };
    const snapshot = { kind: "snapshot", epoch: "1", owner: "a", seq: String(last), bytes: Buffer.from("x") };
    expect(readState("s", [head, snapshot])?.firstSeq).toBe(last + 1);
  });

  it("leaves a session in a file readable", async () => {
    const directory = await mkdtemp(join(tmpdir(), "last-number-"));
    try {
      {
        await using journal = await openFileJournal({ directory });
        await journal.createIfAbsent("s", a);
        await journal.putSnapshot("s", a, last, new Uint8Array([1]), { ahead: true });
        await journal.truncateThrough("s", a, last);
      }
      await using again = await openFileJournal({ directory });
      expect((await again.load("s")).nextSeq).toBe(last + 1);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
