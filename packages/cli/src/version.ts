// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";

/** The version of this package, read from its own manifest so that there is one place to change. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
  return "unknown";
}
