// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mayImport, mayNotTestWith } from "./layers.mjs";

/** The part of a `package.json` that the rules look at. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Reads the manifests of all packages, keyed by their folder below `packages/`. */
export function readManifests(root: string): ReadonlyMap<string, Manifest> {
  const manifests = new Map<string, Manifest>();
  for (const folder of readdirSync(join(root, "packages")).sort()) {
    const file = join(root, "packages", folder, "package.json");
    if (existsSync(file)) manifests.set(folder, JSON.parse(readFileSync(file, "utf8")) as Manifest);
  }
  return manifests;
}

/**
 * Where manifests contradict tools/layers.mjs. The import rules see what code uses; these see what a package
 * makes its users install, which must obey the same order.
 *
 * @returns one sentence per violation, empty when all is well
 */
export function manifestViolations(manifests: ReadonlyMap<string, Manifest>): string[] {
  const folders = new Map([...manifests].map(([folder, { name }]) => [name, folder]));
  return [...manifests].flatMap(([folder, manifest]) => {
    const row = mayImport[folder];
    const file = `packages/${folder}/package.json`;
    if (row === undefined) return [`${file}: the package has no row in tools/layers.mjs; say there what it may import`];
    const installed = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
    return [
      ...Object.keys(installed).flatMap((name) => installedViolation(file, folder, row, name, folders.get(name))),
      ...Object.keys(installed)
        .filter((name) => manifests.get(folders.get(name) ?? "")?.private === true && manifest.private !== true)
        .map((name) => `${file}: a published package must not depend on the private ${name}`),
      ...Object.keys(manifest.devDependencies ?? {})
        .filter((name) => mayNotTestWith[folder]?.includes(folders.get(name) ?? ""))
        .map((name) => `${file}: ${folder} must not use ${name}, not even for tests; test it in ${name} instead`),
    ];
  });
}

function installedViolation(
  file: string,
  folder: string,
  row: readonly string[] | "*",
  name: string,
  target: string | undefined,
): string[] {
  if (target === undefined) {
    return folder === "core" ? [`${file}: core has no dependencies; remove ${name} or move its user up a layer`] : [];
  }
  if (row === "*" || row.includes(target)) return [];
  const allowed = row.length === 0 ? "no other package" : row.join(", ");
  return [`${file}: ${folder} may depend on ${allowed}, not on ${name} (tools/layers.mjs)`];
}
