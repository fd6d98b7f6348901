// SPDX-License-Identifier: Apache-2.0
import type { Subject } from "../subject.ts";

/** Why clauses about elections say nothing about a driver whose node always leads. */
export function singleReign(subject: Subject): string | undefined {
  return subject.capabilities.topology === "single" ? "topology is single: there is never a second reign" : undefined;
}
