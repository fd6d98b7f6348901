// SPDX-License-Identifier: Apache-2.0

export interface TableQuestion {
  readonly currentOwner: string;
  readonly currentEpoch: bigint;
  readonly owner: string;
  readonly epoch: bigint;
  readonly tokenIsRight: boolean;
}

type Cell = boolean | "any";
type Relation = "lower" | "equal" | "higher";

const encoded: Readonly<Record<string, string>> = {
  "%": "%25",
  "|": "%7C",
  ",": "%2C",
  ";": "%3B",
  ":": "%3A",
  "=": "%3D",
};
const enc = (text: string): string => [...text].map((character) => encoded[character] ?? character).join("");

/** The table of `fencing-quorum-sessions.md` 4.3, row by row as it is printed. */
const ROWS: readonly [Relation, sameOwner: Cell, rightToken: Cell, (q: TableQuestion) => string][] = [
  ["lower", "any", "any", (q) => `stale_owner:${q.currentEpoch}:${q.epoch}`],
  ["equal", false, "any", (q) => `split_brain:${enc(q.currentOwner)}:${enc(q.owner)}:${q.epoch}`],
  ["equal", true, false, (q) => `invalid_token:${enc(q.owner)}:${q.epoch}`],
  ["equal", true, true, () => "renewed"],
  ["higher", "any", false, (q) => `invalid_token:${enc(q.owner)}:${q.epoch}`],
  ["higher", "any", true, () => "replaced"],
];

/** Compares digits, as somebody would who has no big integers. */
function relationOf(requested: bigint, current: bigint): Relation {
  const [left, right] = [requested, current].map((epoch) => epoch.toString().padStart(40, "0")) as [string, string];
  if (left === right) return "equal";
  return [left, right].sort()[0] === left ? "lower" : "higher";
}

/** What the one row says that matches; a table with none or two would be no table. */
export function byTable(question: TableQuestion): string {
  const relation = relationOf(question.epoch, question.currentEpoch);
  const sameOwner = question.owner === question.currentOwner;
  const fits = (cell: Cell, fact: boolean): boolean => cell === "any" || cell === fact;
  const matching = ROWS.filter(
    ([wanted, owner, token]) => wanted === relation && fits(owner, sameOwner) && fits(token, question.tokenIsRight),
  );
  const [row] = matching;
  if (row === undefined || matching.length > 1) throw new Error(`${matching.length} rows match`);
  return row[3](question);
}
