// SPDX-License-Identifier: Apache-2.0
import { conformance, type Runner } from "@tsoracle/conformance";
import { describe, it } from "vitest";
import { raftSubject } from "./subject.ts";

/** Each clause has a cluster of its own, and most of its time is spent waiting for elections. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 120_000) };

conformance(runner, raftSubject("confirm"), { runs: 1, timeoutMs: 60_000 });
conformance(runner, raftSubject("lease"), { runs: 1, timeoutMs: 60_000 });
conformance(runner, raftSubject("confirm", 5), { runs: 1, timeoutMs: 60_000 });
