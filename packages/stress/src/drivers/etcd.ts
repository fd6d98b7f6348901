// SPDX-License-Identifier: Apache-2.0
import { type EtcdOracleOptions, initEtcdOracle, openEtcdDriver } from "@tsoracle/driver-etcd";
import { FaultProxy, startEtcd } from "@tsoracle/test-services";
import {
  FRESHNESS,
  type RecoveryBounds,
  STRESS_DRIFT,
  STRESS_TENURE_MS,
  type StressDriver,
  type StressTerms,
  TENURE_OUTAGE_MS,
} from "./stress-driver.ts";

const MEMBERS = 3;

/** A minority: the cluster keeps what it acknowledged, and goes on. */
const MEMBERS_PER_FAULT = 1;

/**
 * A candidacy lasts until its lease of ceil(D) seconds has run out by etcd's clock, which etcd looks at twice a second
 * and counts anew when its own leader changes; by then the tenure, D(1+ρ), has been waited out. Then the poll, D/10.
 */
const BOUNDS: RecoveryBounds = {
  crashMs: Math.ceil(STRESS_TENURE_MS / 1_000) * 1_000 + 1_000 + STRESS_TENURE_MS / 10,
  handOverMs: 500,
};

const oracle = ({ freshness }: StressTerms) =>
  ({
    prefix: "/tsoracle/stress/",
    tenure: { tenureMs: STRESS_TENURE_MS, drift: STRESS_DRIFT },
    freshness,
  }) as const;

interface EtcdConfig {
  readonly endpoints: EtcdOracleOptions["endpoints"];
}

/** Three servers on three members, each server through three proxies of its own. */
export const etcdStress: StressDriver = {
  name: "etcd",
  servers: 3,
  freshness: FRESHNESS,
  refuses: {
    "store-cut": "a server speaks to one member at a time, so that the way to a member may be one that nobody is using",
  },
  tenureMs: STRESS_TENURE_MS,
  // Longer than the lease of a candidacy lives at etcd, so that the paused leader has been replaced when it wakes.
  outageMs: [BOUNDS.crashMs, BOUNDS.crashMs + TENURE_OUTAGE_MS[1] - TENURE_OUTAGE_MS[0]],
  bounds: BOUNDS,
  prepare: async (terms) => {
    const members = await startEtcd(MEMBERS);
    await initEtcdOracle({ ...oracle(terms), endpoints: members.map(({ url }) => url) });
    const proxies = await Promise.all(
      Array.from({ length: terms.servers }, () => Promise.all(members.map((member) => FaultProxy.open(member)))),
    );
    const linksOf = (server: number): readonly FaultProxy[] => proxies[server] ?? [];
    return {
      about: `${MEMBERS} members of etcd, ${members[0]?.via}`,
      // Each begins with another member, so that every member has somebody to lose.
      configOf: (server): EtcdConfig => {
        const links = linksOf(server);
        const turned = [...links.slice(server % MEMBERS), ...links.slice(0, server % MEMBERS)];
        return { endpoints: turned.map(({ host, port }) => `http://${host}:${port}`) };
      },
      linksOf,
      nodes: members.map((process, index) => ({
        name: `etcd member ${index}`,
        process,
        links: proxies.flatMap((ways) => ways.slice(index, index + 1)),
      })),
      nodesPerFault: MEMBERS_PER_FAULT,
      [Symbol.asyncDispose]: async () => {
        await Promise.all(proxies.flat().map((proxy) => proxy.close()));
        await Promise.all(members.map((member) => member.stop()));
      },
    };
  },
  open: (config, advertise, terms) =>
    openEtcdDriver({ ...oracle(terms), endpoints: (config as EtcdConfig).endpoints, advertise }),
};
