// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { OwnedDirectory } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { writeEntry } from "../../src/sessions/entry.ts";
import { Recorder } from "../../src/sessions/recorder.ts";
import { SessionHistory } from "../../src/sessions/session-history.ts";
import type { RecordFile } from "../../src/sessions/workers.ts";
import { SharedClock } from "../../src/shared-clock.ts";

async function recording(
  check: (history: SessionHistory, record: (worker: number, incarnation: number) => [Recorder, RecordFile]) => void,
): Promise<void> {
  await using directory = new OwnedDirectory();
  const clock = new SharedClock();
  check(new SessionHistory(), (worker, incarnation) => {
    const caller = `${worker}.${incarnation}`;
    const path = join(directory.path, caller);
    return [new Recorder(path, clock), { worker, caller, path }];
  });
}

const owned = (epoch: bigint) => ({ kind: "owned", epoch, created: false, continuity: undefined }) as const;

describe("history of sessions", () => {
  it("reads what workers recorded, and takes a call without an end for one whose caller was killed", () =>
    recording((history, record) => {
      const [recorder, file] = record(0, 0);
      recorder.begin("open", "s-000")(owned(2n ** 63n + 1n));
      const text = writeEntry({ id: `0.0.${recorder.nextCall}`, epoch: 2n ** 63n + 1n, number: 1 });
      recorder.begin("append", "s-000", text)({ kind: "appended", seq: 3 });
      recorder.begin("append", "s-001", writeEntry({ id: "0.0.3", epoch: 5n, number: 1 }));
      history.read([file]);
      const [open, append, cut, ...more] = history.finish();
      expect(more).toEqual([]);
      expect(open).toMatchObject({ caller: "0.0", kind: "open", session: "s-000", outcome: { epoch: 2n ** 63n + 1n } });
      expect(append).toMatchObject({ entry: { text, id: "0.0.2", epoch: 2n ** 63n + 1n }, outcome: { seq: 3 } });
      expect(cut).toMatchObject({ end: Number.POSITIVE_INFINITY, outcome: { kind: "unknown", code: "killed" } });
      expect(append?.begin).toBeGreaterThan(open?.end ?? Number.NaN);
    }));

  it("reads on where it stopped, and waits for the rest of a line", () =>
    recording((history, record) => {
      const [recorder, file] = record(1, 0);
      history.read([file]);
      const end = recorder.begin("open", "s-000");
      history.read([file]);
      expect(history.ownedBy(1)).toEqual([]);
      end(owned(7n));
      const line = JSON.stringify({ type: "alarm", at: 1, session: "s-000", what: "split brain" });
      appendFileSync(file.path, line.slice(0, 9));
      history.read([file]);
      expect([history.ownedBy(1), history.alarms]).toEqual([["s-000"], []]);
      appendFileSync(file.path, `${line.slice(9)}\n`);
      history.read([file]);
      expect(history.alarms).toEqual([{ caller: "1.0", at: 1, session: "s-000", what: "split brain" }]);
    }));

  it("knows whose sessions were made another's since an instant, and which were served", () =>
    recording((history, record) => {
      const [first, firstFile] = record(0, 0);
      const [second, secondFile] = record(1, 0);
      first.begin("open", "s-000")(owned(5n));
      first.begin("append", "s-000", writeEntry({ id: "0.0.2", epoch: 5n, number: 1 }))({ kind: "appended", seq: 2 });
      history.read([firstFile, secondFile]);
      expect([history.servedSince(0), history.isReplaced(["s-000"], 0, 0)]).toEqual([1, false]);
      second.begin("takeover", "s-000")(owned(9n));
      // What is read late is not what came last.
      first.begin("open", "s-000")(owned(6n));
      history.read([firstFile, secondFile]);
      const [taken] = history.finish().filter(({ kind }) => kind === "takeover");
      const since = taken?.begin ?? Number.NaN;
      expect([history.ownedBy(0), history.ownedBy(1)]).toEqual([[], ["s-000"]]);
      expect(history.isReplaced(["s-000"], 0, since - 1)).toBe(true);
      expect(history.isReplaced(["s-000"], 0, since)).toBe(false);
      expect(history.servedSince(since)).toBe(0);
    }));
});
