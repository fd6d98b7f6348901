// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { encodeField } from "../encode-field.ts";

type Cell = string | number | boolean;

/** `a=…|b=…`, each value encoded. */
export function fieldsSignature(fields: Readonly<Record<string, Cell>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeField(String(value))}`)
    .join("|");
}

/** A signature in short, for people who compare two reports. */
export function fingerprint(signature: string): string {
  return createHash("sha256").update(signature, "utf8").digest("hex").slice(0, 12);
}

/** A table of Markdown; what would break it inside a cell is escaped. */
export function markdownTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map(cellText).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** One line of JSON per record, each ended by a line feed: what is cut off at the end is lost alone. */
export function jsonLines(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}

function cellText(cell: Cell): string {
  return String(cell).replaceAll("|", "\\|").replaceAll("\n", "<br>");
}
