// SPDX-License-Identifier: Apache-2.0
import { createRequire } from "node:module";
import { distributionPostgresDirectories } from "./find-executable.ts";
import { readSettings, type Settings } from "./settings.ts";

/** Everything that a resolver looks at, so that tests can show it another machine. */
export interface ResolverContext {
  readonly settings: Settings;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Directories that are searched after PATH. */
  readonly furtherDirectories: readonly string[];
  /** The main file of an installed package; throws when it is not installed. */
  readonly resolvePackage: (name: string) => string;
}

const require = createRequire(import.meta.url);

const HOMEBREW = ["/opt/homebrew/bin", "/usr/local/bin"];

export function systemContext(env: Readonly<Record<string, string | undefined>> = process.env): ResolverContext {
  return {
    settings: readSettings(env),
    platform: process.platform,
    arch: process.arch,
    furtherDirectories: [...distributionPostgresDirectories(), ...HOMEBREW, "/usr/bin", "/usr/sbin"],
    resolvePackage: (name) => require.resolve(name),
  };
}
