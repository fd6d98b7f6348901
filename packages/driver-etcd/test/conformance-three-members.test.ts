// SPDX-License-Identifier: Apache-2.0
import { conformance, type Runner } from "@tsoracle/conformance";
import { afterAll, beforeAll, describe, it } from "vitest";
import { useEtcd } from "./cluster.ts";
import { etcdSubject } from "./subject.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 3);
/** Each clause has an oracle of its own, and most of its time is spent waiting for a tenure to run out. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 120_000) };

conformance(runner, etcdSubject({ etcd, freshness: "lease", tenureMs: 3_000 }), { runs: 1, timeoutMs: 60_000 });
conformance(runner, etcdSubject({ etcd, freshness: "confirm", tenureMs: 3_000 }), { runs: 1, timeoutMs: 60_000 });
