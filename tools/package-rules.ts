// SPDX-License-Identifier: Apache-2.0

/** What the rules look at in the `package.json` of a package. */
export interface PackageManifest {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly type?: string;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, ExportTarget>>;
  readonly publishConfig?: { readonly access?: string; readonly exports?: Readonly<Record<string, ExportTarget>> };
  readonly scripts?: Readonly<Record<string, string>>;
}

type ExportTarget = string | null | Readonly<Record<string, string>>;

/** One package, and what the workspace knows about it elsewhere. */
export interface PackageFacts {
  /** Path of the folder, relative to the root. */
  readonly folder: string;
  readonly manifest: PackageManifest;
  readonly hasReadme: boolean;
  /** Named by `references` in the root tsconfig.json. */
  readonly isBuilt: boolean;
  /** Named by the `fixed` group of .changeset/config.json. */
  readonly isInFixedGroup: boolean;
  /** The version that all packages share. */
  readonly workspaceVersion: string;
}

/** What is missing or wrong in one package; each sentence says what to do. */
export function packageProblems(facts: PackageFacts): string[] {
  const { folder, manifest, hasReadme, isBuilt } = facts;
  const say = (condition: boolean, sentence: string): string[] => (condition ? [] : [`${folder}: ${sentence}`]);
  return [
    ...say(hasReadme, "add a README.md: what the package hides, for whom, the smallest example"),
    ...say(isBuilt, "name it in the references of the root tsconfig.json, so that it is built"),
    ...say(manifest.license === "Apache-2.0", 'package.json needs "license": "Apache-2.0"'),
    ...say(manifest.type === "module", 'package.json needs "type": "module"'),
    ...say(manifest.engines?.node !== undefined, "package.json needs engines.node, the oldest Node it runs on"),
    ...say((manifest.description ?? "") !== "", "package.json needs a description"),
    ...(manifest.private === true ? [] : publishedProblems(facts, say)),
  ];
}

function publishedProblems(
  { manifest, isInFixedGroup, workspaceVersion }: PackageFacts,
  say: (condition: boolean, sentence: string) => string[],
): string[] {
  const published = manifest.publishConfig;
  return [
    ...say(published?.access === "public", 'say "private": true, or "publishConfig": { "access": "public" }'),
    ...say(isInFixedGroup, "name it in the fixed group of .changeset/config.json; all packages share one version"),
    ...say(manifest.version === workspaceVersion, `version ${manifest.version} is not the common ${workspaceVersion}`),
    ...say(manifest.files?.includes("dist") === true, 'package.json needs "files" with "dist"'),
    ...say(
      manifest.scripts?.["pack-check"] !== undefined,
      'package.json needs "pack-check": "node ../../tools/pack-check.mjs" among its scripts',
    ),
    ...say(
      JSON.stringify(withoutSources(manifest.exports)) === JSON.stringify(published?.exports),
      "publishConfig.exports must be exports without the tsoracle-source condition",
    ),
  ];
}

/** The exports that users see: sources are not published. */
function withoutSources(exports: PackageManifest["exports"]): PackageManifest["exports"] {
  if (exports === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(exports).map(([subpath, target]) => {
      if (typeof target === "string" || target === null) return [subpath, target];
      return [subpath, Object.fromEntries(Object.entries(target).filter(([name]) => name !== "tsoracle-source"))];
    }),
  );
}
