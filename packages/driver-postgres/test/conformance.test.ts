// SPDX-License-Identifier: Apache-2.0
import { conformance } from "@tsoracle/conformance";
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it } from "vitest";
import { postgresSubject } from "./subject.ts";

const postgres = usePostgres({ beforeAll, afterAll });

conformance(
  { describe, it: (name, body) => it(name, body, 60_000) },
  postgresSubject(postgres, () => postgres().url, "lease"),
);
