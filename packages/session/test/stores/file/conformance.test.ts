// SPDX-License-Identifier: Apache-2.0
import { journalConformance } from "@tsoracle/conformance";
import { describe, it } from "vitest";
import { fileJournalSubject } from "./file-subject.ts";

journalConformance({ describe, it }, fileJournalSubject);
