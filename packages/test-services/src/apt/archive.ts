// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { reasonOf, runTool } from "../run-tool.ts";

const COMMON = [
  "-q",
  ...["APT::Sandbox::User=", "Acquire::Retries=2", "Acquire::http::Timeout=10", "Acquire::https::Timeout=10"].flatMap(
    (option) => ["-o", option],
  ),
  ...["-o", "Acquire::GzipIndexes=true", "-o", "Acquire::Languages=none"],
];

/**
 * Downloads packages of the distribution without root and without installing them; apt verifies them against the
 * archive's signed index. The lists of the system are tried first; if they are empty or out of date, private ones
 * are fetched into `state`, which the caller deletes (they take about 90 MB).
 */
export class AptArchive {
  readonly #system: readonly string[];
  readonly #private: readonly string[];
  #lists: "system" | "private" = "system";
  #updateFailure: string | undefined;

  constructor(state: string) {
    for (const directory of ["lists/partial", "cache/archives/partial"]) {
      mkdirSync(join(state, directory), { recursive: true });
    }
    this.#system = [...COMMON, "-o", `Dir::Cache=${join(state, "cache")}`];
    this.#private = [...this.#system, "-o", `Dir::State::lists=${join(state, "lists")}`];
  }

  /**
   * Downloads the first of the names that the archive has into `directory`.
   *
   * @returns its name
   * @throws Error with apt's reason when there is none
   */
  async download(names: readonly string[], directory: string): Promise<string> {
    let failure = "no package has such a name";
    if (this.#lists === "system") {
      for (const name of names) {
        if ((await this.#fetch(this.#system, name, directory)) === undefined) return name;
      }
      await this.#usePrivateLists();
    }
    for (const name of names) {
      const reason = await this.#fetch(this.#private, name, directory);
      if (reason === undefined) return name;
      failure = reason;
    }
    throw new Error(`apt-get download ${names.join(" or ")}: ${this.#updateFailure ?? failure}`);
  }

  async #usePrivateLists(): Promise<void> {
    this.#lists = "private";
    // Without the error mode, an update that could fetch nothing counts as a success.
    const update = await runTool("apt-get", [...this.#private, "-o", "APT::Update::Error-Mode=any", "update"]);
    if (update.code !== 0) this.#updateFailure = `apt-get update: ${reasonOf(update)}`;
  }

  async #fetch(options: readonly string[], name: string, directory: string): Promise<string | undefined> {
    const result = await runTool("apt-get", [...options, "download", name], { cwd: directory });
    return result.code === 0 ? undefined : reasonOf(result);
  }
}
