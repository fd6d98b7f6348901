// SPDX-License-Identifier: Apache-2.0
import { type ChannelCredentials, Client, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import type { Message } from "../raft/types.ts";
import type { Frame } from "./frame.ts";
import type { Hello, Refusal } from "./hello.ts";
import { Outbox } from "./outbox.ts";
import { CHANNEL_OPTIONS, CONNECT, refusalIn } from "./peer-service.ts";
import type { Timers } from "./timers.ts";

const FIRST_PAUSE_MS = 100;
/**
 * The channel has pauses of its own, which come on top. Both together stay well below T: until a node that came back is
 * connected again, the next one that goes takes the quorum with it.
 */
const LONGEST_PAUSE_MS = 250;
/** A peer that has not answered the Hello by then is taken for unreachable. */
const HELLO_TIMEOUT_MS = 2_000;

/** What the owner of a link provides and hears. All calls are synchronous. */
export interface PeerLinkHost {
  /** This node's Hello to that peer, repeating what its newest refusal asked for. */
  hello(to: number, echo: string): Hello;
  /** Judges the peer's answer; a refusal ends the stream. */
  judge(hello: Hello): Refusal | undefined;
  /** Whether that disk may still speak for the peer. */
  stands(peer: number, storageId: string): boolean;
  /** The peer refused this node. */
  refused(by: number, refusal: Refusal): void;
  /** Nothing that was sent lately may be taken for delivered. */
  unreachable(peer: number): void;
  /** A snapshot left this node, or did not. */
  snapshotSent(peer: number, ok: boolean): void;
}

type State =
  | { readonly kind: "paused"; readonly cancel: () => void }
  | { readonly kind: "greeting"; readonly stream: ClientDuplexStream<Frame, Frame>; readonly cancel: () => void }
  | {
      readonly kind: "open";
      readonly stream: ClientDuplexStream<Frame, Frame>;
      readonly storageId: string;
      blocked: boolean;
    }
  | { readonly kind: "closed" };

/**
 * This node's way to one peer: a stream that is opened again for as long as the link lives. Messages
 * wait in an outbox while the stream takes none, and are lost when it breaks.
 */
export class PeerLink {
  readonly #id: number;
  readonly #client: Client;
  readonly #host: PeerLinkHost;
  readonly #timers: Timers;
  readonly #outbox = new Outbox();
  #pauseMs = FIRST_PAUSE_MS;
  #mustGreetAgain = false;
  /** Of the newest refusal, as long as this link lives. */
  #challenge = "";
  #state: State;

  constructor(id: number, endpoint: string, credentials: ChannelCredentials, host: PeerLinkHost, timers: Timers) {
    this.#id = id;
    this.#host = host;
    this.#timers = timers;
    this.#client = new Client(endpoint, credentials, { ...CHANNEL_OPTIONS });
    this.#state = { kind: "closed" };
    this.#connect();
  }

  get connected(): boolean {
    return this.#state.kind === "open";
  }

  send(message: Message): void {
    if (this.#state.kind === "open" && this.#outbox.offer(message)) this.#flush();
    else this.#lost(message);
  }

  /** Begins anew, so that the peer hears a Hello that says more than the last one did. */
  greetAgain(): void {
    const state = this.#state;
    if (state.kind === "open") this.#broken(state.stream);
    // A Hello that is on its way may have left before there was more to say; a slow peer must be able to answer it, though.
    else this.#mustGreetAgain = state.kind === "greeting";
  }

  /** Ends a stream to a disk that turned out not to be the peer's. */
  recheck(): void {
    const state = this.#state;
    if (state.kind === "open" && !this.#host.stands(this.#id, state.storageId)) this.#broken(state.stream);
  }

  close(): void {
    const before = this.#state;
    this.#state = { kind: "closed" };
    if (before.kind === "paused" || before.kind === "greeting") before.cancel();
    if (before.kind === "greeting" || before.kind === "open") before.stream.cancel();
    this.#client.close();
    // A snapshot whose loss nobody reports would keep its receiver waiting until another leader is elected.
    for (const message of this.#outbox.clear()) this.#lost(message);
    this.#host.unreachable(this.#id);
  }

  #connect(): void {
    const stream = this.#client.makeBidiStreamRequest(
      CONNECT.path,
      CONNECT.requestSerialize,
      CONNECT.responseDeserialize,
    );
    const cancel = this.#timers.after(HELLO_TIMEOUT_MS, () => this.#broken(stream));
    this.#mustGreetAgain = false;
    this.#state = { kind: "greeting", stream, cancel };
    stream.on("data", (frame: Frame) => this.#heard(stream, frame));
    stream.on("error", (error: ServiceError) => this.#failed(stream, error));
    stream.on("end", () => this.#broken(stream));
    stream.write({ kind: "hello", hello: this.#host.hello(this.#id, this.#challenge) });
  }

  #heard(stream: ClientDuplexStream<Frame, Frame>, frame: Frame): void {
    const state = this.#state;
    if (state.kind !== "greeting" || state.stream !== stream || frame.kind !== "hello") return;
    if (frame.hello.nodeId !== this.#id || this.#host.judge(frame.hello) !== undefined) {
      this.#broken(stream);
      return;
    }
    // Whoever judged may have learned from the answer that the link is not needed any more.
    if (this.#state !== state) return;
    state.cancel();
    this.#pauseMs = FIRST_PAUSE_MS;
    const open: State = { kind: "open", stream, storageId: frame.hello.storageId, blocked: false };
    this.#state = open;
    stream.on("drain", () => {
      open.blocked = false;
      this.#flush();
    });
    this.#flush();
    if (this.#mustGreetAgain) this.greetAgain();
  }

  #flush(): void {
    const state = this.#state;
    if (state.kind !== "open") return;
    while (!state.blocked) {
      const message = this.#outbox.take();
      if (message === undefined) return;
      state.blocked = !state.stream.write({ kind: "message", message });
      if (message.type === "MsgSnap") this.#host.snapshotSent(this.#id, true);
    }
  }

  #failed(stream: ClientDuplexStream<Frame, Frame>, error: ServiceError): void {
    const refusal = refusalIn(error);
    if (refusal !== undefined && this.#isCurrent(stream)) {
      this.#challenge = refusal.challenge ?? this.#challenge;
      this.#host.refused(this.#id, refusal);
    }
    this.#broken(stream);
  }

  #isCurrent(stream: ClientDuplexStream<Frame, Frame>): boolean {
    return (this.#state.kind === "greeting" || this.#state.kind === "open") && this.#state.stream === stream;
  }

  #broken(stream: ClientDuplexStream<Frame, Frame>): void {
    if (!this.#isCurrent(stream)) return;
    if (this.#state.kind === "greeting") this.#state.cancel();
    const cancel = this.#timers.after(this.#pauseMs, () => this.#connect());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#state = { kind: "paused", cancel };
    stream.cancel();
    for (const message of this.#outbox.clear()) this.#lost(message);
    this.#host.unreachable(this.#id);
  }

  #lost(message: Message): void {
    if (message.type === "MsgSnap") this.#host.snapshotSent(this.#id, false);
    else if (message.type === "MsgApp") this.#host.unreachable(this.#id);
  }
}
