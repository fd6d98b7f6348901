// SPDX-License-Identifier: Apache-2.0
import { conformance, type Runner } from "@tsoracle/conformance";
import { afterAll, describe, it } from "vitest";
import { NodeHosts } from "./processes/node-hosts.ts";
import { raftSubject } from "./subject.ts";

/** Each clause has a cluster of its own, and most of its time is spent waiting for elections. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 120_000) };
const options = { runs: 1, timeoutMs: 60_000 };

const hosts = new NodeHosts();
afterAll(() => hosts[Symbol.asyncDispose]());

// The other combinations run with `corepack pnpm conformance --driver raft-lease` and `--driver raft-5-nodes`.
conformance(runner, raftSubject({ hosts: async () => hosts }), options);
conformance(runner, raftSubject({ freshness: "lease" }), options);
