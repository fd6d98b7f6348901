// SPDX-License-Identifier: Apache-2.0
import { conformance } from "@tsoracle/conformance";
import { describe, it } from "vitest";
import { mirroredFileSubject } from "./mirrored-subject.ts";
import { powerCutSubject } from "./power-cut-subject.ts";
import { fileSubject } from "./subject.ts";

conformance({ describe, it }, fileSubject());
conformance({ describe, it }, powerCutSubject());
conformance({ describe, it }, mirroredFileSubject());
