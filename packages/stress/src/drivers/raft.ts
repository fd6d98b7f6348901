// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { peerEndpoint } from "@tsoracle/core";
import { type FirstMember, formatRaftDirectory, openRaftDriver } from "@tsoracle/driver-raft";
import { FaultProxy, freePorts, OwnedDirectory } from "@tsoracle/test-services";
import { type RecoveryBounds, STRESS_DRIFT, type StressDriver, withoutStore } from "./stress-driver.ts";

/** T: the default. A follower that hears no leader stands for election after T to 2T (`raft.md` E1). */
const ELECTION_MS = 1_000;

/** One tick, from which T is counted: the default. */
const HEARTBEAT_MS = 100;

const BOUNDS: RecoveryBounds = { crashMs: 2 * ELECTION_MS, handOverMs: 500 };

/** From a little more than the longest wait for an election, so that the paused leader has been replaced when it wakes. */
const OUTAGE_MS = [2.2 * ELECTION_MS, 3.2 * ELECTION_MS] as const;

interface RaftConfig {
  readonly directory: string;
  /** The node's own ways to the others, by id. */
  readonly peers: Readonly<Record<string, string>>;
}

/** Three nodes, each with a directory of its own and a way of its own to each other. */
export const raftStress: StressDriver = {
  name: "raft",
  servers: 3,
  freshness: ["confirm", "lease"],
  refuses: withoutStore("the servers are the store; kill, pause and cut hit it"),
  tenureMs: ELECTION_MS,
  outageMs: OUTAGE_MS,
  bounds: BOUNDS,
  prepare: async (terms, addresses) => {
    const root = new OwnedDirectory();
    const ports = await freePorts(terms.servers);
    const members = addresses.map(
      (address, server): FirstMember => ({
        id: server + 1,
        peerEndpoint: peerEndpoint(`127.0.0.1:${ports[server]}`),
        clientEndpoint: peerEndpoint(address),
      }),
    );
    const directoryOf = (id: number): string => join(root.path, `node-${id}`);
    for (const { id } of members) {
      formatRaftDirectory({ directory: directoryOf(id), clusterId: "stress", nodeId: id, firstMembers: members });
    }
    const ways = await Promise.all(pairs(members).map(openWay));
    return {
      about: "a directory each",
      configOf: (server): RaftConfig => ({
        directory: directoryOf(server + 1),
        peers: Object.fromEntries(
          ways.filter(({ from }) => from === server + 1).map(({ to, proxy }) => [to, `${proxy.host}:${proxy.port}`]),
        ),
      }),
      linksOf: (server) =>
        ways.filter(({ from, to }) => from === server + 1 || to === server + 1).map(({ proxy }) => proxy),
      nodes: [],
      nodesPerFault: 0,
      // A node that came back counts when it is connected with the others again, which takes a moment.
      isWhole: async () => ways.every(({ proxy }) => proxy.connections > 0),
      [Symbol.asyncDispose]: async () => {
        await Promise.all(ways.map(({ proxy }) => proxy.close()));
        await root[Symbol.asyncDispose]();
      },
    };
  },
  open: (config, _advertise, { freshness }) =>
    openRaftDriver({
      ...(config as RaftConfig),
      freshness,
      heartbeatMs: HEARTBEAT_MS,
      electionMs: ELECTION_MS,
      drift: STRESS_DRIFT,
      log: { info: () => {}, warn: say("warn"), error: say("error") },
    }),
};

const say = (level: string) => (fields: object, message: string) => {
  process.stderr.write(`${level} raft: ${message} ${JSON.stringify(fields)}\n`);
};

/** The connection that one node opens to another. */
interface Way {
  readonly from: number;
  readonly to: number;
  readonly proxy: FaultProxy;
}

function pairs(members: readonly FirstMember[]): (readonly [from: FirstMember, to: FirstMember])[] {
  return members.flatMap((from) => members.filter((to) => to !== from).map((to) => [from, to] as const));
}

async function openWay([from, to]: readonly [from: FirstMember, to: FirstMember]): Promise<Way> {
  const port = Number(to.peerEndpoint.split(":")[1]);
  return { from: from.id, to: to.id, proxy: await FaultProxy.open({ host: "127.0.0.1", port }) };
}
