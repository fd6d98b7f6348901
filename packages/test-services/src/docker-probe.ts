// SPDX-License-Identifier: Apache-2.0
import { reasonOf, runTool } from "./run-tool.ts";

/**
 * One line about Docker for the list of what was tried. It asks the daemon, because a command line alone proves
 * nothing. No container is started: nothing here needs one so far, and this line says so.
 */
export async function describeDocker(path: string | undefined): Promise<string> {
  const result = await runTool("docker", ["info", "--format", "{{.ServerVersion}}"], {
    timeoutMs: 3_000,
    env: path === undefined ? {} : { PATH: path },
  });
  if (result.code === 0) return "Docker: a daemon answers, but starting containers is not supported";
  return `Docker: no daemon (${reasonOf(result)})`;
}
