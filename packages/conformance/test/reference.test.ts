// SPDX-License-Identifier: Apache-2.0
import { describe, it } from "vitest";
import { conformance } from "../src/index.ts";
import { memorySubject } from "./memory-subject.ts";

conformance({ describe, it }, memorySubject());
