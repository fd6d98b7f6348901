// SPDX-License-Identifier: Apache-2.0
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll } from "vitest";
import { postgresJournalSubject } from "../../stores/postgres/postgres-subject.ts";
import { sessionManagerSuite } from "../suite.ts";

sessionManagerSuite(postgresJournalSubject({ server: usePostgres({ beforeAll, afterAll }) }));
