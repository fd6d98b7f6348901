// SPDX-License-Identifier: Apache-2.0
import { openRedisDriver } from "@tsoracle/driver-redis";
import { advertisedAddress } from "../serve/advertise.ts";
import type { ServeFlags } from "../serve/flags.ts";
import { serve } from "../serve/serve.ts";
import { windowForTenure } from "../store/window.ts";
import { type RedisFlags, readRedisOracle } from "./access.ts";

export interface ServeRedisFlags extends ServeFlags, RedisFlags {
  readonly advertise?: string;
  readonly readmission?: "automatic" | "operator";
}

const MAY_FORGET = "--accept-data-loss: nodes may forget what they acknowledged, and timestamps can be issued again";

/** @throws CliError `usage` before anything is opened; and what {@link serve} throws */
export async function serveRedis(flags: ServeRedisFlags): Promise<void> {
  const oracle = readRedisOracle(flags);
  const advertise = advertisedAddress(flags.advertise, flags.listen);
  const windowAhead = windowForTenure(flags.windowAhead, flags.tenure);
  await serve(
    { ...flags, windowAhead },
    {
      open: (logger) =>
        openRedisDriver({
          ...oracle,
          advertise,
          readmission: flags.readmission,
          onWarning: ({ node, message }) => logger.warn({ node }, message),
        }),
      ...(flags.acceptDataLoss === true ? { mayForget: MAY_FORGET } : {}),
    },
  );
}
