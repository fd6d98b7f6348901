// SPDX-License-Identifier: Apache-2.0
import { openPostgresDriver } from "@tsoracle/driver-postgres";
import { CliError } from "../cli-error.ts";
import { formatDuration } from "../duration.ts";
import { advertisedAddress } from "../serve/advertise.ts";
import type { ServeFlags } from "../serve/flags.ts";
import { serve } from "../serve/serve.ts";
import type { OracleSettingFlags } from "../store/flags.ts";
import { windowForTenure } from "../store/window.ts";
import { type PostgresFlags, readPostgresTarget } from "./access.ts";

export interface ServePostgresFlags extends ServeFlags, PostgresFlags, OracleSettingFlags {
  readonly advertise?: string;
  readonly durability: "fsync" | "replicated";
  readonly synchronousCommit: "on" | "remote_apply";
  readonly onTimelineChange: "refuse" | "accept";
  readonly allowSessionPooler?: true;
  readonly opTimeout?: number;
  readonly readOnlyGrace: number;
  readonly seqKeyCap: number;
}

/** @throws CliError `usage` before anything is opened; and what {@link serve} throws */
export async function servePostgres(flags: ServePostgresFlags): Promise<void> {
  const { oracle, schema, freshness, tenure: tenureMs, drift, opTimeout } = flags;
  const target = readPostgresTarget(flags);
  const advertise = advertisedAddress(flags.advertise, flags.listen);
  if (opTimeout !== undefined && opTimeout > tenureMs / 2) {
    const [given, most] = [formatDuration(opTimeout), formatDuration(tenureMs / 2)];
    throw new CliError("usage", `--op-timeout ${given}: expected at most half of --tenure, ${most}`);
  }
  const { durability, synchronousCommit, onTimelineChange, seqKeyCap } = flags;
  const windowAhead = windowForTenure(flags.windowAhead, tenureMs);
  await serve(
    { ...flags, windowAhead },
    {
      open: (log) =>
        openPostgresDriver({
          ...target,
          ...{ oracle, schema, advertise, freshness, tenureMs, drift },
          ...{ durability, synchronousCommit, onTimelineChange, seqKeyCap, log },
          allowSessionPooler: flags.allowSessionPooler === true,
          opTimeoutMs: opTimeout,
          readOnlyGraceMs: flags.readOnlyGrace,
        }),
    },
  );
}
