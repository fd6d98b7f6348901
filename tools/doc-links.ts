// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { SourceFile } from "./house-rules.ts";

const LINK = /\]\((?<target>[^)\s]+)\)/g;
const FENCED = /^(?<ticks>`{3,})[^\n]*\n[\s\S]*?^\k<ticks>\s*$/gm;

/** The name under which a heading can be linked to, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = markdown.replaceAll(FENCED, "").matchAll(/^#{1,6}\s+(?<heading>.+)$/gm);
  return new Set([...headings].map(({ groups }) => anchorOf(groups?.["heading"] ?? "")));
}

/**
 * One line for each relative link of a page that leads nowhere.
 *
 * @param pages every page of the workspace
 * @param exists whether a path, relative to the root, is a file or a folder
 */
export function linkProblems(pages: readonly SourceFile[], exists: (path: string) => boolean): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page.text]));
  return pages.flatMap(({ path, text }) =>
    [...text.replaceAll(FENCED, "").matchAll(LINK)].flatMap(({ groups }) => {
      const target = groups?.["target"] ?? "";
      if (/^[a-z]+:/i.test(target)) return [];
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file));
      if (!exists(linked)) return [`${path}: ${target} leads to no file`];
      const page = byPath.get(linked);
      const found = anchor === undefined || page === undefined || anchorsOf(page).has(anchor);
      return found ? [] : [`${path}: ${target} leads to no heading`];
    }),
  );
}
