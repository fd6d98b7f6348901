// SPDX-License-Identifier: Apache-2.0
import { type Mutant, mutant } from "./mutant.ts";

export const hangs: Mutant = mutant(
  "hangs",
  "A call waits for as long as the store stalls.",
  ["latency.bounded", "latency.partition"],
  {
    stallTimeoutMs: 600_000,
  },
);
