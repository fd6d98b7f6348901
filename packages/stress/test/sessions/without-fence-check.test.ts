// SPDX-License-Identifier: Apache-2.0
import { openMemoryJournal } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { withoutFenceCheck } from "../../src/sessions/without-fence-check.ts";

const OLD = { owner: "a", epoch: 5n };
const NEW = { owner: "b", epoch: 7n };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a journal without its fence check", () => {
  it("takes the write of an owner that was deposed, in the name of the present one, which the journal itself refuses", async () => {
    await using journal = openMemoryJournal();
    await journal.createIfAbsent("s", OLD);
    await journal.takeover("s", NEW);
    await journal.append("s", NEW, 1, bytes("new"), 7n);
    await expect(journal.append("s", OLD, 1, bytes("old"), 5n)).rejects.toMatchObject({ code: "fenced" });
    await withoutFenceCheck(journal).append("s", OLD, 1, bytes("old"), 5n);
    const { entries } = await journal.load("s");
    expect(entries.map(({ seq, owner, entry }) => [seq, owner, new TextDecoder().decode(entry)])).toEqual([
      [1, "b", "new"],
      [2, "b", "old"],
    ]);
  });
});
