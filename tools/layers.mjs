// SPDX-License-Identifier: Apache-2.0

/**
 * Which package may import which, as data. The import rules (.dependency-cruiser.mjs) and the manifest rules
 * (layers.ts) are both derived from it, so a package that is missing here fails the check until it has a place.
 *
 * Keys are folders below `packages/`; values are folders too. `"*"` means anything: programs that nobody imports.
 *
 * @type {Readonly<Record<string, readonly string[] | "*">>}
 */
export const mayImport = Object.freeze({
  // The bottom: pure, no dependency, not even the standard library of Node.
  core: [],

  // One step up: each knows core and nothing beside it.
  proto: ["core"],
  consensus: ["core"],
  fencing: ["core"],
  // Only `quorum/src/driver*` uses consensus; see `sideways` below.
  quorum: ["core", "consensus"],

  // Stores, server, kit, sessions. Drivers do not know the wire protocol, each other or the server;
  // the server does not know any driver; the kit does not know what it judges.
  "driver-file": ["core", "consensus", "fencing", "quorum"],
  "driver-postgres": ["core", "consensus", "fencing", "quorum"],
  "driver-redis": ["core", "consensus", "fencing", "quorum"],
  "driver-raft": ["core", "consensus", "fencing", "quorum"],
  "driver-etcd": ["core", "consensus", "fencing", "quorum"],
  server: ["core", "consensus", "proto", "fencing", "quorum"],
  conformance: ["core", "consensus"],
  session: ["core", "consensus", "fencing", "quorum"],

  // Aside: a client must stay small enough to be embedded anywhere.
  client: ["core", "proto"],

  // The top.
  cli: "*",

  // Private. Real servers for tests know nothing of the oracle; the others are programs.
  "test-services": [],
  sim: "*",
  bench: "*",
  stress: "*",
});

/** Arrows that only some files of a package may use. */
export const sideways = Object.freeze([
  {
    from: "quorum",
    to: "consensus",
    files: "^packages/quorum/src/driver",
    why: "policy and counting are useful without the driver contract; only the driver made of drivers needs it",
  },
]);

/**
 * Packages whose tests must not use these either, because they are judged there instead.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const mayNotTestWith = Object.freeze({
  core: ["conformance"],
  consensus: ["conformance"],
});
