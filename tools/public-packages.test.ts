// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { workspacePackages } from "./workspace-files.ts";

/** The packages with exports, as a reader of the documentation imports them: by name, from the root. */
const importable: Readonly<Record<string, () => Promise<object>>> = {
  "@tsoracle/client": () => import("@tsoracle/client"),
  "@tsoracle/conformance": () => import("@tsoracle/conformance"),
  "@tsoracle/consensus": () => import("@tsoracle/consensus"),
  "@tsoracle/core": () => import("@tsoracle/core"),
  "@tsoracle/driver-etcd": () => import("@tsoracle/driver-etcd"),
  "@tsoracle/driver-file": () => import("@tsoracle/driver-file"),
  "@tsoracle/driver-postgres": () => import("@tsoracle/driver-postgres"),
  "@tsoracle/driver-raft": () => import("@tsoracle/driver-raft"),
  "@tsoracle/driver-redis": () => import("@tsoracle/driver-redis"),
  "@tsoracle/fencing": () => import("@tsoracle/fencing"),
  "@tsoracle/proto": () => import("@tsoracle/proto"),
  "@tsoracle/quorum": () => import("@tsoracle/quorum"),
  "@tsoracle/server": () => import("@tsoracle/server"),
  "@tsoracle/session": () => import("@tsoracle/session"),
};

describe("the published packages", () => {
  it("are all devDependencies of the root, so that documentation can import them", () => {
    const published = workspacePackages()
      .filter(({ manifest }) => manifest.private !== true && manifest.exports !== undefined)
      .map(({ manifest }) => manifest.name);
    expect(Object.keys(importable)).toEqual(published.sort());
  });

  it.each(Object.entries(importable))("%s exports names, and no default", async (_name, load) => {
    const names = Object.keys(await load());
    expect(names).not.toEqual([]);
    expect(names).not.toContain("default");
  });
});
