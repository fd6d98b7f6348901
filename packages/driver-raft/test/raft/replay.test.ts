// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { confChangeReplay } from "./confchange-replay.ts";
import { type Directive, normalised } from "./datadriven.ts";
import { runQuorumDirective } from "./quorum-replay.ts";
import { REPLAY_VARIABLE, replayDir, replayFiles } from "./replay-dir.ts";

// One file for all groups, so that there is one line if the scenario files are not at hand.
const groups: Record<string, () => (directive: Directive) => string> = {
  quorum: () => runQuorumDirective,
  confchange: confChangeReplay,
};

const source = replayDir(process.env[REPLAY_VARIABLE]);

if ("absent" in source) {
  process.stderr.write(`${source.absent}\n`);
  describe("scenario files of etcd-io/raft are absent", () => {
    it("replays none of them and says so", () => {
      expect(source.absent).toContain(REPLAY_VARIABLE);
    });
  });
} else {
  for (const [group, start] of Object.entries(groups)) {
    describe(`scenario files of etcd-io/raft: ${group}`, () => {
      const files = replayFiles(source.dir, group);
      let replayed = 0;

      it.each(files)("replays $name byte for byte", ({ directives }) => {
        const run = start();
        for (const directive of directives) {
          const where = `${directive.file}:${directive.line}`;
          expect(`${where}\n${normalised(run(directive))}`).toBe(`${where}\n${directive.expected}`);
          replayed++;
        }
      });

      it("has replayed every directive of every file", () => {
        const directives = files.reduce((sum, file) => sum + file.directives.length, 0);
        process.stderr.write(`replayed ${replayed} of ${directives} directives in ${files.length} files: ${group}\n`);
        expect(directives).toBeGreaterThan(0);
        expect(replayed).toBe(directives);
      });
    });
  }
}
