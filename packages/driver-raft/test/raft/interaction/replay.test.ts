// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { at, normalised } from "../datadriven.ts";
import { REPLAY_VARIABLE, type ReplayFile, replayDir, replayFiles } from "../replay-dir.ts";
import { handle } from "./commands.ts";
import { deviations } from "./deviations.ts";
import { type Draw, Environment } from "./environment.ts";
import { withoutLogLines } from "./output.ts";

// A scenario that passes with both extremes cannot depend on which timeout was drawn.
const draws: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  ["lowest", () => 0],
  ["highest", (bound) => bound - 1],
]);

interface Outcome {
  readonly where: string;
  readonly expected: string;
  readonly actual: string;
  /** Whether the lines of the log agree as well. */
  readonly exact: boolean;
}

function replay(file: ReplayFile, draw: Draw): Outcome[] {
  const env = new Environment(draw);
  return file.directives.map((directive) => {
    let actual: string;
    try {
      actual = normalised(handle(env, directive));
    } catch (error) {
      throw new Error(`${at(directive)}: ${directive.cmd} failed`, { cause: error });
    }
    return {
      where: at(directive),
      expected: withoutLogLines(directive.expected),
      actual: withoutLogLines(actual),
      exact: actual === directive.expected,
    };
  });
}

const source = replayDir(process.env[REPLAY_VARIABLE]);

describe("interaction scenarios of etcd-io/raft", () => {
  if ("absent" in source) {
    // The replay of the other groups says so, once for all.
    it("are not there to be replayed", () => expect(source.absent).toContain(REPLAY_VARIABLE));
    return;
  }
  const files = replayFiles(source.dir, "interaction");
  const expectedToDeviate = new Set(deviations.map(({ file, line }) => `interaction/${file}:${line}`));

  for (const file of files) {
    for (const [name, draw] of draws) {
      it(`replays ${file.name} byte for byte, with the ${name} timeouts`, () => {
        for (const { where, expected, actual } of replay(file, draw)) {
          if (!expectedToDeviate.has(where)) expect(actual, where).toBe(expected);
        }
      });
    }
  }

  it("deviates exactly where the reviewed list says", () => {
    const outcomes = files.flatMap((file) => replay(file, () => 0));
    const deviating = outcomes.filter(({ expected, actual }) => expected !== actual).map(({ where }) => where);
    const present = new Set(files.map((file) => `interaction/${file.name}`));
    const listed = [...expectedToDeviate].filter((where) => present.has(where.replace(/:\d+$/, "")));
    expect(deviating.sort()).toEqual(listed.sort());
    const exact = outcomes.filter((outcome) => outcome.exact).length;
    process.stderr.write(
      `replayed ${outcomes.length} directives in ${files.length} files: interaction; ${deviating.length} deviate, ` +
        `${exact} agree in the lines of the log as well\n`,
    );
    expect(files.length).toBeGreaterThan(0);
    expect(outcomes.length).toBeGreaterThan(files.length);
  });
});
