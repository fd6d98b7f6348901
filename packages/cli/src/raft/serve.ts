// SPDX-License-Identifier: Apache-2.0
import { openRaftDriver, type RaftDriverOptions, type RaftIdentity } from "@tsoracle/driver-raft";
import type { AdminPortOptions } from "@tsoracle/server";
import { CliError } from "../cli-error.ts";
import { formatListenAddress, type ListenAddress, parseListenAddress } from "../listen-address.ts";
import { isLoopback } from "../loopback.ts";
import type { ServeFlags } from "../serve/flags.ts";
import { serve } from "../serve/serve.ts";
import { windowForTenure } from "../store/window.ts";
import { identityOf } from "./directory.ts";
import { readTriple, refuseSharedAuthority, type TlsTriple } from "./tls.ts";

export interface ServeRaftFlags extends ServeFlags {
  readonly id: number;
  readonly raftDir: string;
  readonly peers?: Readonly<Record<string, string>>;
  readonly peerListen?: ListenAddress;
  readonly advertise?: string;
  readonly freshness: "confirm" | "lease";
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly drift: number;
  readonly peerTlsCert?: string;
  readonly peerTlsKey?: string;
  readonly peerTlsCa?: string;
  readonly allowInsecurePeer?: true;
  readonly takeOverLock?: true;
  readonly adminListen?: ListenAddress;
  readonly adminTlsCert?: string;
  readonly adminTlsKey?: string;
  readonly adminTlsCa?: string;
}

/** @throws CliError before anything is opened or written; and what {@link serve} throws */
export async function serveRaft(flags: ServeRaftFlags): Promise<void> {
  const peerTls = readPeerTls(flags);
  const adminPort = readAdminPort(flags, peerTls);
  // What can be known without the directory is refused before it is looked at.
  if (flags.peerListen !== undefined) refuseRoutablePeers(flags.peerListen, peerTls, flags);
  const identity = identityOf(flags.raftDir, flags.id);
  const listen = peerAddressOf(flags, identity);
  refuseRoutablePeers(listen, peerTls, flags);
  checkAdvertise(flags, identity);
  checkJoining(flags, identity);
  const options = driverOptions(flags, listen, peerTls);
  await serve(
    { ...flags, windowAhead: windowForTenure(flags.windowAhead, flags.electionMs) },
    {
      open: async (log) => {
        if (peerTls === undefined && !isLoopback(listen.host)) {
          log.warn(
            { listen: formatListenAddress(listen) },
            "peers are taken without TLS, as --allow-insecure-peer says",
          );
        }
        return await openRaftDriver({ ...options, log });
      },
      ...(adminPort === undefined ? {} : { adminPort }),
    },
  );
}

function readPeerTls(flags: ServeRaftFlags): TlsTriple | undefined {
  const { peerTlsCert: cert, peerTlsKey: key, peerTlsCa: ca } = flags;
  return readTriple("--peer-tls", { cert, key, ca });
}

/**
 * Where operators change the members. Plaintext stays on loopback, always: whoever reaches this port can take the
 * cluster apart.
 */
function readAdminPort(flags: ServeRaftFlags, peerTls: TlsTriple | undefined): AdminPortOptions | undefined {
  const { adminListen, adminTlsCert: cert, adminTlsKey: key, adminTlsCa: ca } = flags;
  const tls = readTriple("--admin-tls", { cert, key, ca });
  refuseSharedAuthority(peerTls, { flag: "--admin-tls-ca", file: tls?.ca });
  if (adminListen === undefined) {
    if (tls === undefined) return undefined;
    throw new CliError("usage", "--admin-tls-cert was given without --admin-listen: expected where operators connect");
  }
  if (tls === undefined && !isLoopback(adminListen.host)) {
    throw new CliError(
      "usage",
      `operators would reach ${formatListenAddress(adminListen)} without TLS, and whoever reaches it can take the cluster ` +
        "apart: expected --admin-tls-cert, --admin-tls-key and --admin-tls-ca, or a loopback address",
    );
  }
  if (tls === undefined) return adminListen;
  return { ...adminListen, tls: { cert: tls.cert.content, key: tls.key.content, clientCa: tls.ca.content } };
}

/** Where peers reach this node: as told, else as the first members know it. */
function peerAddressOf({ peerListen, id }: ServeRaftFlags, identity: RaftIdentity): ListenAddress {
  if (peerListen !== undefined) return peerListen;
  const self = identity.firstMembers.find((member) => member.id === id);
  const parsed = self === undefined ? undefined : parseListenAddress(self.peerEndpoint);
  if (parsed?.ok) return parsed.address;
  throw new CliError(
    "usage",
    `--peer-listen is missing: expected where node ${id} listens for peers, because it joins and its directory does not say`,
  );
}

/** Whoever reaches a peer port without TLS can rewrite the oracle (X1). */
function refuseRoutablePeers(listen: ListenAddress, tls: TlsTriple | undefined, flags: ServeRaftFlags): void {
  if (tls !== undefined || flags.allowInsecurePeer === true || isLoopback(listen.host)) return;
  throw new CliError(
    "usage",
    `peers would reach ${formatListenAddress(listen)} without TLS, and whoever reaches it can rewrite the oracle: expected ` +
      "--peer-tls-cert, --peer-tls-key and --peer-tls-ca, a loopback address, or --allow-insecure-peer",
  );
}

/**
 * Clients are sent to where the list of members says, which is replicated and the same for all of them. Another
 * address here would be ignored, so it is refused.
 */
function checkAdvertise({ advertise, id }: ServeRaftFlags, { firstMembers }: RaftIdentity): void {
  const self = firstMembers.find((member) => member.id === id);
  if (advertise === undefined || self === undefined || self.clientEndpoint === advertise) return;
  throw new CliError(
    "usage",
    `--advertise ${advertise}: the list of first members says that clients reach node ${id} at ${self.clientEndpoint}, ` +
      "and that is what they are told. Leave --advertise out; a member gets another address by removing it and adding it " +
      "under a new id",
  );
}

function checkJoining({ id, peers }: ServeRaftFlags, { firstMembers }: RaftIdentity): void {
  if (firstMembers.length > 0 || peers !== undefined) return;
  throw new CliError(
    "usage",
    `--peers is missing: expected ID=HOST:PORT of all members, because node ${id} joins and its directory names none of them`,
  );
}

function driverOptions(flags: ServeRaftFlags, listen: ListenAddress, tls: TlsTriple | undefined): RaftDriverOptions {
  const { id: nodeId, raftDir: directory, peers, freshness, heartbeatMs, electionMs, drift } = flags;
  return {
    directory,
    nodeId,
    listen: formatListenAddress(listen),
    freshness,
    heartbeatMs,
    electionMs,
    drift,
    allowInsecurePeer: flags.allowInsecurePeer === true,
    takeOverLock: flags.takeOverLock === true,
    ...(peers === undefined ? {} : { peers }),
    ...(tls === undefined ? {} : { tls: { certFile: tls.cert.path, keyFile: tls.key.path, caFile: tls.ca.path } }),
  };
}
