// SPDX-License-Identifier: Apache-2.0
import { useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll } from "vitest";
import { redisJournalSubject } from "../../stores/redis/redis-subject.ts";
import { sessionManagerSuite } from "../suite.ts";

sessionManagerSuite(redisJournalSubject({ redis: useRedis({ beforeAll, afterAll }, 5) }));
