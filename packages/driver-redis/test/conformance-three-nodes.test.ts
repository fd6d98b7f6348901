// SPDX-License-Identifier: Apache-2.0
import { conformance } from "@tsoracle/conformance";
import { useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { redisSubject } from "./subject.ts";

vi.setConfig({ testTimeout: 120_000 });

const redis = useRedis({ beforeAll, afterAll }, 3);
conformance({ describe, it }, redisSubject({ redis, redisNodes: 3 }), { runs: 1, timeoutMs: 60_000 });
