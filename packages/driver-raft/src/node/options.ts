// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP, type PeerEndpoint, parsePeerEndpoint } from "@tsoracle/core";
import type { PeerTlsOptions } from "../transport/peer-tls.ts";
import { refuseRoutablePlaintext } from "../transport/routable.ts";
import { type DriverLog, unbreakable } from "./log.ts";
import { type LeaseTerms, usableLeaseMs } from "./raft-tenure.ts";
import type { Freshness } from "./thread-protocol.ts";

/** Durations are in milliseconds. */
export interface RaftDriverOptions {
  /** A directory that `formatRaftDirectory` or `tsoracle raft format` has prepared. */
  readonly directory: string;
  /** Where the other members reach this node, `host:port`; bound exclusively. @defaultValue the address in the list of members */
  readonly listen?: string | undefined;
  /**
   * Addresses of members by id: of all of them for a node that joins and knows nobody yet, since any may lead, and
   * wherever this node has a way of its own to a member. They go before the addresses in the list of members.
   */
  readonly peers?: Readonly<Record<string, string>> | undefined;
  /** Refused unless the directory is this node's. */
  readonly nodeId?: number | undefined;
  readonly clusterId?: string | undefined;
  /** Certificates for peers. Without them only loopback is listened on. */
  readonly tls?: PeerTlsOptions | undefined;
  /** Take peers without TLS on a routable address: whoever reaches it can rewrite the oracle. @defaultValue false */
  readonly allowInsecurePeer?: boolean | undefined;
  /**
   * `confirm` asks a majority for each batch of requests; `lease` trusts clocks to differ by less than `drift`.
   *
   * @defaultValue "confirm"
   */
  readonly freshness?: Freshness | undefined;
  /** Time between heartbeats. The same on all members. @defaultValue 100 */
  readonly heartbeatMs?: number | undefined;
  /**
   * T: a follower that hears no leader stands for election after T to 2T. At least five heartbeats, the same on all
   * members, and at least ten times what a heartbeat and a disk sync take together.
   *
   * @defaultValue 1000
   */
  readonly electionMs?: number | undefined;
  /** ρ, for leases. The same on all members. @defaultValue 0.1 */
  readonly drift?: number | undefined;
  /** Longest wait for one call. @defaultValue twice the election timeout */
  readonly opTimeoutMs?: number | undefined;
  /**
   * Take the directory although its lock names a process that cannot be looked up, because it lived in another
   * container on this machine. The peers' address is bound exclusively as well, so two of them cannot both run where
   * they share a network; where they do not, make sure that the other one is gone.
   *
   * @defaultValue false
   */
  readonly takeOverLock?: boolean | undefined;
  readonly log?: DriverLog | undefined;
}

/** Checked options. */
export interface RaftDriverConfig {
  readonly directory: string;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly peers: ReadonlyMap<number, PeerEndpoint>;
  readonly nodeId: number | undefined;
  readonly clusterId: string | undefined;
  readonly tls: PeerTlsOptions | undefined;
  readonly allowInsecurePeer: boolean;
  readonly freshness: Freshness;
  readonly terms: LeaseTerms;
  readonly opTimeoutMs: number;
  readonly seqKeyCap: number;
  readonly takeOverLock: boolean;
  readonly log: DriverLog;
}

/** A tick that is shorter is lost in the noise of timers and disks. */
const MIN_HEARTBEAT_MS = 10;
const MAX_HEARTBEAT_MS = 60_000;
/** A timer of more milliseconds than this fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MIN_ELECTION_TICKS = 5;

/** @throws TypeError naming the option, what was expected and what came. Nothing has been opened then. */
export function checkOptions(options: RaftDriverOptions): RaftDriverConfig {
  if (typeof options.directory !== "string" || options.directory === "") {
    throw new TypeError(
      `directory: expected the path of a formatted directory, got ${JSON.stringify(options.directory)}`,
    );
  }
  const freshness = options.freshness ?? "confirm";
  if (freshness !== "lease" && freshness !== "confirm") {
    throw new TypeError(`freshness: expected "lease" or "confirm", got ${JSON.stringify(freshness)}`);
  }
  const terms = checkTerms(options);
  const listen = options.listen === undefined ? undefined : splitAddress("listen", options.listen);
  const allowInsecurePeer = options.allowInsecurePeer ?? false;
  if (listen !== undefined && options.tls === undefined) refuseRoutablePlaintext(listen.host, allowInsecurePeer);
  const opTimeoutMs = options.opTimeoutMs ?? 2 * terms.electionTicks * terms.heartbeatMs;
  if (!(opTimeoutMs > 0 && opTimeoutMs <= MAX_TIMER_MS)) {
    throw new TypeError(`opTimeoutMs: expected milliseconds above 0 and up to 2^31-1, got ${String(opTimeoutMs)}`);
  }
  return {
    directory: options.directory,
    listen,
    peers: checkPeers(options.peers ?? {}),
    nodeId: options.nodeId,
    clusterId: options.clusterId,
    tls: options.tls,
    allowInsecurePeer,
    freshness,
    terms,
    opTimeoutMs,
    seqKeyCap: DEFAULT_SEQ_KEY_CAP,
    takeOverLock: options.takeOverLock ?? false,
    log: unbreakable(options.log),
  };
}

/** `host:port` or `[v6]:port`; port 0 takes a free one. */
export function splitAddress(option: string, text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw new TypeError(`${option}: expected an address host:port, got '${text}'`);
  }
  return { host, port };
}

function checkTerms({ heartbeatMs = 100, electionMs = 1_000, drift = 0.1 }: RaftDriverOptions): LeaseTerms {
  if (!Number.isInteger(heartbeatMs) || heartbeatMs < MIN_HEARTBEAT_MS || heartbeatMs > MAX_HEARTBEAT_MS) {
    const expected = `whole milliseconds in ${MIN_HEARTBEAT_MS}..=${MAX_HEARTBEAT_MS}`;
    throw new TypeError(`heartbeatMs: expected ${expected}, got ${heartbeatMs}`);
  }
  const electionTicks = Math.floor(electionMs / heartbeatMs);
  if (!Number.isInteger(electionMs) || electionTicks < MIN_ELECTION_TICKS) {
    throw new TypeError(
      `electionMs: expected at least ${MIN_ELECTION_TICKS} heartbeats of ${heartbeatMs} ms, got ${electionMs}`,
    );
  }
  if (!(drift >= 0 && drift < 0.5)) throw new TypeError(`drift: expected a share in 0..<0.5, got ${drift}`);
  const terms = { heartbeatMs, electionTicks, drift };
  if (usableLeaseMs(terms) < 2 * heartbeatMs) {
    throw new TypeError(`electionMs: ${electionMs} ms leave no lease of two heartbeats; raise it or lower heartbeatMs`);
  }
  return terms;
}

function checkPeers(peers: Readonly<Record<string, string>>): ReadonlyMap<number, PeerEndpoint> {
  return new Map(
    Object.entries(peers).map(([text, address]): [number, PeerEndpoint] => {
      const id = Number(text);
      if (!Number.isSafeInteger(id) || id < 1) throw new TypeError(`peers: expected a member id, got '${text}'`);
      const parsed = parsePeerEndpoint(address);
      if (!parsed.ok) throw new TypeError(`peers: expected host:port for member ${id}, got '${String(address)}'`);
      return [id, parsed.endpoint];
    }),
  );
}
