// SPDX-License-Identifier: Apache-2.0
import { openEtcdDriver } from "@tsoracle/driver-etcd";
import { CliError } from "../cli-error.ts";
import { formatDuration } from "../duration.ts";
import { advertisedAddress } from "../serve/advertise.ts";
import type { ServeFlags } from "../serve/flags.ts";
import { serve } from "../serve/serve.ts";
import type { OracleSettingFlags } from "../store/flags.ts";
import { windowForTenure } from "../store/window.ts";
import { type EtcdFlags, readEtcdOracle } from "./access.ts";

export interface ServeEtcdFlags extends ServeFlags, EtcdFlags, OracleSettingFlags {
  readonly advertise?: string;
  readonly seqKeyCap: number;
}

/** @throws CliError `usage` before anything is opened; and what {@link serve} throws */
export async function serveEtcd(flags: ServeEtcdFlags): Promise<void> {
  const { freshness, tenure: tenureMs, drift, opTimeout, seqKeyCap } = flags;
  const oracle = readEtcdOracle(flags);
  const advertise = advertisedAddress(flags.advertise, flags.listen);
  if (opTimeout !== undefined && opTimeout > tenureMs / 2) {
    const [given, most] = [formatDuration(opTimeout), formatDuration(tenureMs / 2)];
    throw new CliError("usage", `--op-timeout ${given}: expected at most half of --tenure, ${most}`);
  }
  const windowAhead = windowForTenure(flags.windowAhead, tenureMs);
  await serve(
    { ...flags, windowAhead },
    {
      open: (log) => openEtcdDriver({ ...oracle, advertise, freshness, tenure: { tenureMs, drift }, seqKeyCap, log }),
    },
  );
}
