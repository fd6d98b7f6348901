// SPDX-License-Identifier: Apache-2.0
import { conformance } from "@tsoracle/conformance";
import { describe, it } from "vitest";
import { quorumSubject } from "./subject.ts";

conformance({ describe, it }, quorumSubject());
