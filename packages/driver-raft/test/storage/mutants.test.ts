// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { crashEverywhere, crashWhileMending, crashWhileOpening, failEverywhere } from "./checks.ts";
import {
  doubleFault,
  flipBehindTheLog,
  flipEverywhere,
  misplacedBatch,
  oldWatermark,
  tornBatch,
} from "./damage-checks.ts";
import { type StorageModule, Violation } from "./life.ts";
import { type CheckName, mutants } from "./mutants/list.ts";
import { withMutant } from "./mutants/load.ts";
import { refuseEmptyDisks, refuseWrongBatches, tellClonesApart } from "./rule-checks.ts";

const checks: Readonly<Record<CheckName, (module: StorageModule) => void>> = {
  crash: (module) => crashEverywhere(module, 3),
  "crash while opening": (module) => crashWhileOpening(module, 3),
  "crash while mending": crashWhileMending,
  fail: (module) => failEverywhere(module),
  flip: (module) => void flipEverywhere(module, 3),
  "flip behind": (module) => flipBehindTheLog(module, 97),
  torn: (module) => void tornBatch(module),
  "double fault": doubleFault,
  "old watermark": oldWatermark,
  misplaced: misplacedBatch,
  validation: refuseWrongBatches,
  clone: tellClonesApart,
  format: refuseEmptyDisks,
};

describe("storage mutants", { timeout: 120_000 }, () => {
  it("leave the right storage alone", async () => {
    await withMutant({ name: "none", file: "index.ts", edits: [] }, (module) => {
      crashEverywhere(module, 1, 3);
      failEverywhere(module, 3);
      for (const name of ["torn", "double fault", "misplaced", "validation", "clone", "format"] as const) {
        checks[name](module);
      }
    });
  });

  it.each(mutants)("$name ($rule): caught by the check '$caughtBy'", async (mutant) => {
    await withMutant(mutant, (module) => {
      expect(() => checks[mutant.caughtBy](module)).toThrow(Violation);
    });
  });
});
