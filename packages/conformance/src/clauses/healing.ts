// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { isTemporary, ms, pause, settle } from "../probes.ts";
import type { Reign, Trial } from "../trial.ts";

/** Persists as soon as the store answers again, under the reign of then: a fault may cost the old one. */
export async function persistOnceHealed(trial: Trial<never, never>, first: Reign, value: number): Promise<number> {
  let reign = first;
  for (;;) {
    const healed = await settle(reign.driver.persistHighWater(ms(value), reign.epoch));
    if (healed.ok) return healed.value;
    assert.ok(isTemporary(healed.error), `after the fault it rejected with ${healed.error}`);
    await pause(trial.signal);
    reign = await trial.reign();
  }
}

/** Loads as soon as the store answers this driver again. */
export async function loadOnceHealed(trial: Trial<never, never>, driver: ConsensusDriver): Promise<number> {
  for (;;) {
    const healed = await settle(driver.loadHighWater());
    if (healed.ok) return healed.value;
    assert.ok(isTemporary(healed.error), `after the fault a load rejected with ${healed.error}`);
    await pause(trial.signal);
  }
}
