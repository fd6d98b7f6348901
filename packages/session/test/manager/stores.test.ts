// SPDX-License-Identifier: Apache-2.0
import { fileJournalSubject } from "../stores/file/file-subject.ts";
import { memoryJournalSubject } from "./memory-subject.ts";
import { sessionManagerSuite } from "./suite.ts";

sessionManagerSuite(memoryJournalSubject);
sessionManagerSuite(fileJournalSubject);
