// SPDX-License-Identifier: Apache-2.0
import type { Message } from "../raft/types.ts";
import { type Hello, PROTOCOL_MAX, PROTOCOL_MIN, type Refusal } from "./hello.ts";
import { isPeerMessage } from "./message-codec.ts";
import { PeerLink } from "./peer-link.ts";
import { PeerPort } from "./peer-port.ts";
import { type PeerDirectory, PeerRegistry } from "./peer-registry.ts";
import { insecureCredentials, PeerCredentials, type PeerTlsOptions } from "./peer-tls.ts";
import { refuseRoutablePlaintext } from "./routable.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** So many streams may stand; beyond, only members are let in. Far more than a cluster has. */
export const MOST_STANDING = 64;

/** What a node is to its peers. */
export type PeerIdentity = Pick<
  Hello,
  "clusterId" | "genesis" | "nodeId" | "storageId" | "bootCount" | "incarnation" | "timing"
>;

/** What the transport tells its owner. All calls are synchronous. */
export interface TransportHost {
  received(message: Message): void;
  /** A peer whose identity was accepted said Hello, on a stream of its own or in answer to this node's. */
  met(hello: Hello): void;
  /** Nothing that was sent to the peer lately may be taken for delivered. */
  unreachable(peer: number): void;
  /** A snapshot left this node, or did not. */
  snapshotSent(peer: number, ok: boolean): void;
  /** A peer refused this node. */
  refused(by: number, refusal: Refusal): void;
  /** This node refused a peer. */
  turnedAway(hello: Hello, refusal: Refusal): void;
}

export interface TransportOptions {
  readonly identity: PeerIdentity;
  /** Where peers reach this node. Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls?: PeerTlsOptions | undefined;
  /** Take peers without TLS on a routable address. Whoever reaches it can rewrite the oracle. */
  readonly allowInsecurePeer?: boolean | undefined;
  readonly directory: PeerDirectory;
  /** Where peers reach this node, as far as it knows; empty until then. */
  readonly peerEndpoint: () => string;
  /** What this node knows of the first members beside it. */
  readonly firstMembers: () => Pick<Hello, "recorded" | "complete">;
  readonly host: TransportHost;
  readonly timers?: Timers | undefined;
}

/**
 * Carries messages between the nodes of one cluster: unreliable, unordered across reconnects, at most
 * once, like the network that Raft is made for. Each peer is known by its Hello before any message counts.
 */
export class PeerTransport {
  readonly #options: TransportOptions;
  readonly #timers: Timers;
  readonly #registry: PeerRegistry;
  readonly #credentials: PeerCredentials | typeof insecureCredentials;
  readonly #links = new Map<number, { readonly endpoint: string; readonly link: PeerLink }>();
  #port: PeerPort | undefined;
  #boundPort = 0;
  /** What the Hellos of the standing streams said. */
  #named = "";

  private constructor(options: TransportOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#registry = new PeerRegistry(options.identity, options.directory);
    this.#credentials = options.tls === undefined ? insecureCredentials : new PeerCredentials(options.tls);
  }

  /**
   * Binds the address; peers are called after {@link PeerTransport.setPeers}.
   *
   * @throws TypeError for a routable address without TLS, unless that is allowed. Nothing was bound then.
   * @throws Error when the address is taken or a certificate cannot be read.
   */
  static async open(options: TransportOptions): Promise<PeerTransport> {
    const { host, port } = options.listen;
    if (options.tls === undefined) refuseRoutablePlaintext(host, options.allowInsecurePeer ?? false);
    const transport = new PeerTransport(options);
    await transport.#listen(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
    return transport;
  }

  /** The port that peers reach. */
  get port(): number {
    return this.#boundPort;
  }

  /** Ids of peers that take messages now. */
  connected(): readonly number[] {
    return [...this.#links].filter(([, { link }]) => link.connected).map(([id]) => id);
  }

  /**
   * Whom to call, by id, and where. A changed address or a missing id ends the link that was. The stream of a peer that
   * is gone ends too: it says Hello again, and learns that it was removed. So does every stream of a disk that is not the
   * one that belongs to its peer, by what is known now. When this node has learned where it is reached, it says Hello
   * again, so that those who lag behind learn it, too.
   */
  setPeers(peers: ReadonlyMap<number, string>): void {
    for (const [id, { endpoint, link }] of this.#links) {
      if (peers.get(id) === endpoint) continue;
      link.close();
      this.#links.delete(id);
      if (!peers.has(id)) this.#port?.drop(id);
    }
    this.#port?.recheck();
    for (const { link } of this.#links.values()) link.recheck();
    const named = this.#options.peerEndpoint();
    if (named !== this.#named) for (const { link } of this.#links.values()) link.greetAgain();
    this.#named = named;
    for (const [id, endpoint] of peers) {
      if (id === this.#options.identity.nodeId || this.#links.has(id)) continue;
      this.#links.set(id, { endpoint, link: this.#link(id, endpoint) });
    }
  }

  /** Says Hello again wherever a stream stands: the answer may say more than the last one did. */
  greetAgain(): void {
    for (const { link } of this.#links.values()) link.greetAgain();
  }

  /** Sends, or loses, one message to the peer it names. Messages that are a node's own business are refused. */
  send(message: Message): void {
    if (!isPeerMessage(message.type)) throw new TypeError(`expected a message between nodes, got ${message.type}`);
    const entry = this.#links.get(message.to);
    if (entry !== undefined) entry.link.send(message);
    else if (message.type === "MsgSnap") this.#options.host.snapshotSent(message.to, false);
  }

  /** Ends every stream and frees the address. Idempotent. */
  close(): void {
    for (const { link } of this.#links.values()) link.close();
    this.#links.clear();
    this.#port?.close();
    this.#port = undefined;
  }

  async #listen(address: string): Promise<void> {
    const opened = await PeerPort.open(
      address,
      this.#credentials.server(),
      {
        answer: (hello) => this.#hello(hello.nodeId, 0, ""),
        judge: (hello, live, standing) => this.#judgeCall(hello, live, standing),
        stands: (peer, storageId) => this.#registry.stands(peer, storageId),
        received: (message) => this.#options.host.received(message),
      },
      this.#timers,
    );
    this.#port = opened.port;
    this.#boundPort = opened.number;
  }

  #link(id: number, endpoint: string): PeerLink {
    const { host, identity } = this.#options;
    return new PeerLink(
      id,
      endpoint,
      this.#credentials.channel(identity.clusterId, id),
      {
        hello: (to, echo) => this.#hello(to, to, echo),
        judge: (hello) => this.#judge(hello, this.#port?.has(id) ?? false),
        stands: (peer, storageId) => this.#registry.stands(peer, storageId),
        refused: (by, refusal) => host.refused(by, refusal),
        unreachable: (peer) => host.unreachable(peer),
        snapshotSent: (peer, ok) => host.snapshotSent(peer, ok),
      },
      this.#timers,
    );
  }

  #signed(refusal: Refusal | undefined): Refusal | undefined {
    return refusal === undefined ? undefined : { ...refusal, storageId: this.#options.identity.storageId };
  }

  /** Whoever is no member as far as this node knows must not keep out one that is. */
  #crowded({ nodeId }: Hello, live: boolean, standing: number): Refusal | undefined {
    if (live || this.#options.directory.isMember(nodeId) || standing < MOST_STANDING) return undefined;
    return { reason: "busy", message: `${standing} peers are connected already, and node ${nodeId} is no member here` };
  }

  #hello(peer: number, to: number, echo: string): Hello {
    const { identity, peerEndpoint, firstMembers, directory } = this.#options;
    const protocol = { protocolMin: PROTOCOL_MIN, protocolMax: PROTOCOL_MAX };
    const yourDisk = directory.pinnedTo(peer) ?? "";
    return { ...identity, ...protocol, ...firstMembers(), peerEndpoint: peerEndpoint(), yourDisk, to, echo };
  }

  #judgeCall(hello: Hello, live: boolean, standing: number): Refusal | undefined {
    const refusal = this.#signed(this.#crowded(hello, live, standing));
    if (refusal === undefined) return this.#judge(hello, live);
    this.#options.host.turnedAway(hello, refusal);
    return refusal;
  }

  #judge(hello: Hello, live: boolean): Refusal | undefined {
    const refusal = this.#signed(this.#registry.judge(hello, this.#timers.monotonicMs(), live));
    if (refusal === undefined) this.#options.host.met(hello);
    else this.#options.host.turnedAway(hello, refusal);
    return refusal;
  }
}
