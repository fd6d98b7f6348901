// SPDX-License-Identifier: Apache-2.0
import { coreMutants } from "./core-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { nodeMutants } from "./node-mutants.ts";

export const mutants: readonly Mutant[] = [...nodeMutants, ...coreMutants];
