// SPDX-License-Identifier: Apache-2.0
import { checkTenureTerms, DEFAULT_TENURE_TERMS } from "@tsoracle/consensus";
import { isPhysicalMs, PHYSICAL_MS_MAX } from "@tsoracle/core";
import type { Freshness } from "./capabilities.ts";
import { invalid } from "./invalid.ts";

/** What is stored with an oracle and the same for all of its servers. */
export interface OracleSettings {
  /** @defaultValue "lease" */
  readonly freshness?: Freshness | undefined;
  /** D in milliseconds, from 1000 to 600000. @defaultValue 3000 */
  readonly tenureMs?: number | undefined;
  /** ρ, up to 0.5. @defaultValue 0.1 */
  readonly drift?: number | undefined;
}

/** As columns: `freshness`, `lease_ms`, `rate_slack_ppm`. @throws ConsensusError `permanent` */
export function settingColumns(settings: OracleSettings): readonly [string, string, string] {
  const {
    freshness = "lease",
    tenureMs = DEFAULT_TENURE_TERMS.tenureMs,
    drift = DEFAULT_TENURE_TERMS.drift,
  } = settings;
  if (freshness !== "lease" && freshness !== "confirm") {
    throw invalid(`expected freshness to be lease or confirm, got ${JSON.stringify(freshness)}`);
  }
  checkTenureTerms({ tenureMs, drift });
  if (tenureMs > 600_000) throw invalid(`expected a tenure of at most 600000 ms, got ${tenureMs}`);
  if (drift > 0.5) throw invalid(`expected a clock drift of at most 0.5, got ${drift}`);
  return [freshness, String(tenureMs), String(Math.round(drift * 1e6))];
}

/** @throws ConsensusError `permanent` */
export function checkFloor(name: string, value: number): string {
  if (isPhysicalMs(value)) return String(value);
  throw invalid(`expected ${name} as whole milliseconds from 0 to ${PHYSICAL_MS_MAX}, got ${String(value)}`);
}
