// SPDX-License-Identifier: Apache-2.0
import { conformance, type Runner } from "@tsoracle/conformance";
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it } from "vitest";
import { postgresSubject } from "./subject.ts";

const postgres = usePostgres({ beforeAll, afterAll });
/** Each clause has an oracle of its own, and most of its time is spent waiting for a tenure to run out. */
const runner: Runner = { describe, it: (name, body) => it.concurrent(name, body, 60_000) };

conformance(runner, postgresSubject(postgres, "lease"));
conformance(runner, postgresSubject(postgres, "confirm"));
