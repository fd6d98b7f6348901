// SPDX-License-Identifier: Apache-2.0
import type { PeerEndpoint } from "@tsoracle/core";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const endpointWithScheme: Mutant = mutant(
  "endpoint-with-scheme",
  "Followers name the leader by a URL.",
  ["leadership.endpoint"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            yield item.role === "follower" && item.leaderEndpoint !== undefined
              ? { ...item, leaderEndpoint: `http://${item.leaderEndpoint}` as PeerEndpoint }
              : item;
          }
        },
      }),
  },
);
