// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "./house-rules.ts";
import type { PackageFacts, PackageManifest } from "./package-rules.ts";
import { workspaceRoot } from "./run-command.ts";

/** Not ours, or written by a program. */
const IGNORED: ReadonlySet<string> = new Set(["node_modules", "dist", "coverage", ".git", ".turbo", ".tmp"]);
const IGNORED_PATHS: ReadonlySet<string> = new Set(["packages/proto/src/gen", "pnpm-lock.yaml", "LICENSE"]);
const TEXT = /\.(?:ts|mts|mjs|js|json|jsonc|md|yml|yaml|proto|sql|lua|sh)$|(?:^|\/)(?:run|\.gitignore)$/;

/** Every text file of the workspace that a person wrote, ordered by path. */
export function workspaceFiles(): SourceFile[] {
  const files: SourceFile[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(workspaceRoot, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (IGNORED.has(entry.name) || IGNORED_PATHS.has(path)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() && TEXT.test(path)) {
        files.push({ path, text: readFileSync(join(workspaceRoot, path), "utf8") });
      }
    }
  };
  visit("");
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The packages below `packages/` with what the workspace says about them. */
export function workspacePackages(): PackageFacts[] {
  const references = readJson<{ references: { path: string }[] }>("tsconfig.json").references.map(({ path }) => path);
  const fixed = readJson<{ fixed: string[][] }>(".changeset/config.json").fixed.flat();
  const workspaceVersion = readJson<PackageManifest>("packages/core/package.json").version ?? "";
  return readdirSync(join(workspaceRoot, "packages"))
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(workspaceRoot, folder, "package.json")))
    .sort()
    .map((folder) => {
      const manifest = readJson<PackageManifest>(`${folder}/package.json`);
      return {
        folder,
        manifest,
        hasReadme: existsSync(join(workspaceRoot, folder, "README.md")),
        isBuilt: references.includes(folder),
        isInFixedGroup: fixed.includes(manifest.name),
        workspaceVersion,
      };
    });
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(workspaceRoot, path), "utf8")) as T;
}
