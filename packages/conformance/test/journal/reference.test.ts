// SPDX-License-Identifier: Apache-2.0
import { describe, it } from "vitest";
import { journalConformance } from "../../src/index.ts";
import { memoryJournalSubject } from "./memory-journal-subject.ts";

journalConformance({ describe, it }, memoryJournalSubject());
