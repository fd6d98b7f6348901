// SPDX-License-Identifier: Apache-2.0
import { conformance, type Runner } from "@tsoracle/conformance";
import { describe, it } from "vitest";
import { raftSubject } from "./subject.ts";

/** Each clause has a cluster of its own, and most of its time is spent waiting for elections. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 60_000) };

conformance(runner, raftSubject("confirm"));
conformance(runner, raftSubject("lease"));
