// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Call, checkHistoryExact, type HistoryReport } from "../../src/checker/index.ts";
import { comparedHistory } from "./histories.ts";

type CheckHistory = (history: Iterable<Call>) => HistoryReport;

interface Mutant {
  readonly is: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    is: "compares begin with begin",
    file: "real-time-order.ts",
    find: "(end[byEnd[ended] as number] as number) < now",
    replace: "(begin[byEnd[ended] as number] as number) < now",
  },
  {
    is: "orders calls that only touch",
    file: "real-time-order.ts",
    find: "as number) < now; ended++",
    replace: "as number) <= now; ended++",
  },
  {
    is: "takes calls in the order of begin where that of end is meant",
    file: "real-time-order.ts",
    find: "(end[a] as number) - (end[b] as number)",
    replace: "(begin[a] as number) - (begin[b] as number)",
  },
  {
    is: "remembers the latest ended call, not the highest",
    file: "real-time-order.ts",
    find: "highest === -1 ? candidate : log.higher(highest, candidate)",
    replace: "candidate",
  },
  {
    is: "ignores the count of the earlier call",
    file: "monotone.ts",
    find: "log.last.compare(before, log.first, row) < 0",
    replace: "log.first.compare(before, log.first, row) < 0",
  },
  {
    is: "lets the same value pass as larger",
    file: "monotone.ts",
    find: "log.last.compare(before, log.first, row) < 0",
    replace: "log.last.compare(before, log.first, row) <= 0",
  },
  {
    is: "remembers a client's latest call, not its highest",
    file: "monotone.ts",
    find: "before === undefined ? row : log.higher(before, row)",
    replace: "row",
  },
  {
    is: "mixes the clients",
    file: "monotone.ts",
    find: "const client = log.client[row] as number;",
    replace: "const client = 0;",
  },
  {
    is: "takes epochs in the order of appearance",
    file: "monotone.ts",
    find: "(log.epochs[a] as bigint) < (log.epochs[b] as bigint) ? -1 : 1",
    replace: "a - b",
  },
  {
    is: "judges only the next lower epoch",
    file: "monotone.ts",
    find: "highest = higher(highest, highestIn[index]);",
    replace: "highest = highestIn[index];",
  },
  {
    is: "lets a batch run one over the millisecond",
    file: "monotone.ts",
    find: "log.last.get(row) - log.first.get(row) < leftInMs",
    replace: "log.last.get(row) - log.first.get(row) <= leftInMs",
  },
  {
    is: "compares neighbouring ranges only",
    file: "unique.ts",
    find: "reaches === -1 ? row : log.higher(reaches, row)",
    replace: "row",
  },
  {
    is: "ignores the count of the lower range",
    file: "unique.ts",
    find: "last.compare(reaches, first, row) < 0",
    replace: "first.compare(reaches, first, row) < 0",
  },
  {
    is: "overlooks a single shared timestamp",
    file: "unique.ts",
    find: "last.compare(reaches, first, row) < 0",
    replace: "last.compare(reaches, first, row) <= 0",
  },
  {
    is: "counts a timestamp held three times twice",
    file: "unique.ts",
    find: "start > duplicatedUpTo ? start : duplicatedUpTo + 1n",
    replace: "start",
  },
  {
    is: "names the call recorded last where several reach as high",
    file: "call-log.ts",
    find: "order > 0 || (order === 0 && a < b)",
    replace: "order > 0 || (order === 0 && a > b)",
  },
  {
    is: "compares only the upper half of timestamps",
    file: "u64-column.ts",
    find: " || this.low(row) - other.low(otherRow)",
    replace: "",
  },
  {
    is: "loses the upper half of timestamps",
    file: "u64-column.ts",
    find: "this.#high[row] = Number(value >> LOW_BITS);",
    replace: "",
  },
];

const SOURCE = fileURLToPath(new URL("../../src/checker/", import.meta.url));
const HISTORIES = fc.sample(comparedHistory(), { seed: 20_240_601, numRuns: 3000 });

describe("wrong variants of the fast checkers", () => {
  let folder = "";
  let expected: HistoryReport[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tsoracle-checker-mutants-"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    expected = HISTORIES.map((history) => checkHistoryExact(history));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Compiles the checker, with one file changed, into a folder of its own and loads it from there. */
  async function load(name: string, mutant?: Mutant): Promise<CheckHistory> {
    const target = join(folder, name);
    mkdirSync(target);
    for (const file of readdirSync(SOURCE)) {
      let text = readFileSync(join(SOURCE, file), "utf8");
      if (mutant?.file === file) {
        expect(text.split(mutant.find), "the mutated code occurs once").toHaveLength(2);
        text = text.replace(mutant.find, () => mutant.replace);
      }
      const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
      const { outputText } = ts.transpileModule(text, {
        compilerOptions: { ...compilerOptions, rewriteRelativeImportExtensions: true, verbatimModuleSyntax: true },
      });
      writeFileSync(join(target, file.replace(/\.ts$/, ".js")), outputText);
    }
    const entry = pathToFileURL(join(target, "index.js")).href;
    return ((await import(/* @vite-ignore */ entry)) as { checkHistory: CheckHistory }).checkHistory;
  }

  /** The first history that is judged in another way than by comparing every pair. */
  function firstDisagreement(check: CheckHistory): number | undefined {
    const at = HISTORIES.findIndex((history, index) => !isDeepStrictEqual(check(history), expected[index]));
    return at < 0 ? undefined : at;
  }

  it("are none when nothing is changed", async () => {
    expect(firstDisagreement(await load("unchanged"))).toBeUndefined();
  });

  it.each(MUTANTS.map((mutant, index) => ({ ...mutant, index })))("are caught: $file $is", async (mutant) => {
    expect(firstDisagreement(await load(`mutant-${mutant.index}`, mutant))).toBeDefined();
  });
});
