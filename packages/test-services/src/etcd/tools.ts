// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type AptServer, fetchFromApt } from "../apt/fetch.ts";
import { findExecutable } from "../find-executable.ts";
import type { ResolverContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";

const SOURCE: AptServer = {
  name: "etcdctl",
  packages: ["etcd-client"],
  programs: ["etcdctl"],
  versionArguments: ["version"],
};

/** The programs with which an operator saves and restores a cluster. */
export interface EtcdTools {
  /** Runs `etcdctl snapshot save`. @throws Error with what it printed */
  save(url: string, file: string): Promise<void>;
  /** Runs `snapshot restore`, of etcdutl where there is one, into an empty directory. @throws Error with what it printed */
  restore(file: string, flags: readonly string[]): Promise<void>;
}

/** @throws ServiceUnavailable with everything that was tried */
export async function locateEtcdTools(context: ResolverContext): Promise<EtcdTools> {
  const onPath = findExecutable(["etcdctl"], context.settings.path, context.furtherDirectories);
  const { bin, env } = onPath === undefined ? await fetched(context) : { bin: onPath, env: {} };
  const utl = join(dirname(bin), "etcdutl");
  const run = async (command: string, args: readonly string[]): Promise<void> => {
    const result = await runTool(command, args, { env: { ...env, ETCDCTL_API: "3" }, timeoutMs: 60_000 });
    if (result.code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(" ")}: ${reasonOf(result)}`);
  };
  return {
    save: (url, file) => run(bin, ["snapshot", "save", file, "--endpoints", url]),
    restore: (file, flags) => run(existsSync(utl) ? utl : bin, ["snapshot", "restore", file, ...flags]),
  };
}

async function fetched(context: ResolverContext): ReturnType<typeof fetchFromApt> {
  try {
    return await fetchFromApt(SOURCE, context);
  } catch (error) {
    const tried = ["etcdctl on PATH: not found", `Debian package etcd-client: ${(error as Error).message}`];
    throw new ServiceUnavailable("etcd", tried, "install it (apt-get install etcd-client, brew install etcd)");
  }
}
