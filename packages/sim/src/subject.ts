// SPDX-License-Identifier: Apache-2.0
import type * as simulation from "@tsoracle/driver-raft/simulation";

/** The code under test: the real modules, or a mutated copy of them. */
export type Subject = typeof simulation;
