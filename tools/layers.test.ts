// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type Manifest, manifestViolations, readManifests } from "./layers.ts";
import { workspaceRoot } from "./run-command.ts";

const manifests = readManifests(workspaceRoot);

/** The real workspace with one manifest changed. */
function changed(folder: string, change: Partial<Manifest>): string[] {
  const manifest = manifests.get(folder);
  if (manifest === undefined) throw new Error(`packages/${folder} is missing`);
  return manifestViolations(new Map([...manifests, [folder, { ...manifest, ...change }]]));
}

describe("manifest layers", () => {
  it("hold in the workspace", () => {
    expect(manifestViolations(manifests)).toEqual([]);
    expect(manifests.size).toBeGreaterThan(5);
  });

  it.each<[string, Partial<Manifest>]>([
    ["core", { dependencies: { "fast-check": "4.10.2" } }],
    ["core", { peerDependencies: { "@tsoracle/proto": "workspace:*" } }],
    ["consensus", { dependencies: { "@tsoracle/server": "workspace:*" } }],
    ["server", { dependencies: { "@tsoracle/driver-file": "workspace:*" } }],
    ["driver-file", { dependencies: { "@tsoracle/proto": "workspace:*" } }],
    ["client", { dependencies: { "@tsoracle/consensus": "workspace:*" } }],
    ["conformance", { optionalDependencies: { "@tsoracle/driver-file": "workspace:*" } }],
    ["consensus", { devDependencies: { "@tsoracle/conformance": "workspace:*" } }],
    ["cli", { dependencies: { "@tsoracle/bench": "workspace:*" } }],
  ])("are broken when %s has %j", (folder, change) => {
    expect(changed(folder, change)).toHaveLength(1);
  });

  it("want a row for every package", () => {
    const stranger: Manifest = { name: "@tsoracle/stranger" };
    expect(manifestViolations(new Map([...manifests, ["stranger", stranger]]))).toHaveLength(1);
  });
});
