// SPDX-License-Identifier: Apache-2.0
import { conformance } from "@tsoracle/conformance";
import { useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { redisSubject } from "./subject.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 120_000 });

const redis = useRedis({ beforeAll, afterAll }, 5);
conformance({ describe, it }, redisSubject({ redis }), { timeoutMs: 60_000 });
