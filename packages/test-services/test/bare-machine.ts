// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OwnedDirectory } from "../src/owned-directory.ts";
import type { ResolverContext } from "../src/resolver-context.ts";
import { readSettings } from "../src/settings.ts";

/** A machine that has nothing but what the test puts on it. */
export class BareMachine implements AsyncDisposable {
  readonly #directory = new OwnedDirectory();
  readonly bin: string = join(this.#directory.path, "bin");
  readonly cache: string = join(this.#directory.path, "cache");

  constructor() {
    mkdirSync(this.bin);
  }

  /** A program that answers every call with one line, or fails with one. */
  program(name: string, line: string, code: 0 | 1 = 0): string {
    const file = join(this.bin, name);
    writeFileSync(file, `#!/bin/sh\necho "${line}" >&${code === 0 ? 1 : 2}\nexit ${code}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  context(env: Readonly<Record<string, string>> = {}, over: Partial<ResolverContext> = {}): ResolverContext {
    return {
      settings: readSettings({ PATH: this.bin, SERVICES_CACHE: this.cache, SERVICES_NO_APT: "1", ...env }),
      platform: process.platform,
      arch: process.arch,
      furtherDirectories: [],
      resolvePackage: (name) => {
        throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
      },
      ...over,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}
