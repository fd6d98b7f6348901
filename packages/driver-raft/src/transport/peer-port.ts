// SPDX-License-Identifier: Apache-2.0
import { Server, type ServerCredentials, type ServerDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import type { Message } from "../raft/types.ts";
import type { Frame } from "./frame.ts";
import type { Hello, Refusal } from "./hello.ts";
import { CHANNEL_OPTIONS, CONNECT, protocolError, refusalError } from "./peer-service.ts";
import { certificateProblem } from "./peer-tls.ts";
import type { Timers } from "./timers.ts";

const HELLO_TIMEOUT_MS = 2_000;
/** Streams that have not said Hello yet: far more than a cluster has. */
export const MOST_GREETING = 64;
/** A peer needs one stream; a few more may be ending. */
const STREAMS_PER_CONNECTION = 8;

/** What the owner of the port provides and hears. All calls are synchronous. */
export interface PeerPortHost {
  /** This node's answer to a Hello. */
  answer(hello: Hello): Hello;
  /** `live` says whether another stream of the same node stands, `standing` how many there are of all nodes. */
  judge(hello: Hello, live: boolean, standing: number): Refusal | undefined;
  /** Whether that disk may still speak for the peer. */
  stands(peer: number, storageId: string): boolean;
  received(message: Message): void;
}

type Call = ServerDuplexStream<Frame, Frame>;

/**
 * Where the peers' streams arrive. The address is bound exclusively (I5): a second process of the same
 * node fails to open. A stream says Hello first and afterwards only messages of that node (X3).
 */
export class PeerPort {
  readonly #server: Server;
  readonly #host: PeerPortHost;
  readonly #timers: Timers;
  readonly #secure: boolean;
  /** The standing stream of each peer, with the disk that its Hello named. */
  readonly #calls = new Map<number, { readonly call: Call; readonly storageId: string }>();
  /** Streams that have not said Hello yet, the oldest first. */
  readonly #greeting = new Set<Call>();

  private constructor(host: PeerPortHost, timers: Timers, secure: boolean) {
    this.#host = host;
    this.#timers = timers;
    this.#secure = secure;
    this.#server = new Server({ ...CHANNEL_OPTIONS, "grpc.max_concurrent_streams": STREAMS_PER_CONNECTION });
    const { path, requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = CONNECT;
    const method = { path, requestSerialize, requestDeserialize, responseSerialize, responseDeserialize };
    this.#server.addService(
      { connect: { ...method, requestStream: true, responseStream: true } },
      { connect: (call: Call) => this.#greet(call) },
    );
  }

  /** @throws Error when the address cannot be bound. */
  static async open(
    address: string,
    credentials: ServerCredentials,
    host: PeerPortHost,
    timers: Timers,
  ): Promise<{ readonly port: PeerPort; readonly number: number }> {
    const port = new PeerPort(host, timers, credentials._isSecure());
    const number = await new Promise<number>((resolve, reject) => {
      port.#server.bindAsync(address, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
    });
    return { port, number };
  }

  /** Whether a stream of that peer stands. */
  has(peer: number): boolean {
    return this.#calls.has(peer);
  }

  /** Ends the stream of one peer, which makes a living one come back. */
  drop(peer: number): void {
    const standing = this.#calls.get(peer);
    this.#calls.delete(peer);
    if (standing !== undefined) end(standing.call, { code: status.UNAVAILABLE, details: "say Hello again" });
  }

  /** Ends the streams of disks that turned out not to be their peers'. */
  recheck(): void {
    for (const [peer, { storageId }] of this.#calls) if (!this.#host.stands(peer, storageId)) this.drop(peer);
  }

  close(): void {
    this.#server.forceShutdown();
    this.#calls.clear();
  }

  #greet(call: Call): void {
    const [oldest] = this.#greeting;
    if (oldest !== undefined && this.#greeting.size >= MOST_GREETING) {
      // A member says Hello at once, so it is the silent ones that go.
      this.#greeting.delete(oldest);
      end(oldest, { code: status.RESOURCE_EXHAUSTED, details: "too many streams wait for their Hello" });
    }
    let from: number | undefined;
    this.#greeting.add(call);
    const timeout = this.#timers.after(HELLO_TIMEOUT_MS, () => end(call, protocolError(undefined)));
    const greeted = (): void => {
      timeout();
      this.#greeting.delete(call);
    };
    const over = (): void => {
      greeted();
      if (from !== undefined && this.#calls.get(from)?.call === call) this.#calls.delete(from);
    };
    call.on("data", (frame: Frame) => {
      // What was read before the stream was ended may still arrive here.
      if (from === undefined && !this.#greeting.has(call)) return;
      if (frame.kind === "message") {
        this.#message(call, from, frame.message);
        return;
      }
      greeted();
      if (from === undefined && this.#welcome(call, frame.hello)) from = frame.hello.nodeId;
    });
    call.on("error", over);
    call.on("cancelled", over);
    call.on("close", over);
    call.on("end", () => {
      over();
      call.end();
    });
  }

  #welcome(call: Call, hello: Hello): boolean {
    const refusal = this.#refusal(call, hello);
    if (refusal !== undefined) {
      end(call, refusalError(refusal));
      if (refusal.reason === "busy" || refusal.reason === "cloned") this.drop(hello.nodeId);
      return false;
    }
    this.drop(hello.nodeId);
    this.#calls.set(hello.nodeId, { call, storageId: hello.storageId });
    call.write({ kind: "hello", hello: this.#host.answer(hello) });
    return true;
  }

  #refusal(call: Call, hello: Hello): Refusal | undefined {
    if (this.#secure) {
      const certificate = call.getAuthContext().sslPeerCertificate;
      const problem = certificateProblem(certificate, hello.clusterId, hello.nodeId);
      if (problem !== undefined) return { reason: "sender", message: problem };
    }
    return this.#host.judge(hello, this.#calls.has(hello.nodeId), this.#calls.size);
  }

  #message(call: Call, from: number | undefined, message: Message): void {
    // Frames that were read before the stream was ended may still arrive here.
    const standing = from === undefined ? undefined : this.#calls.get(from);
    if (from === undefined || standing?.call !== call) return;
    // What this node knows of the peer's disk may be newer than the Hello (I3).
    if (!this.#host.stands(from, standing.storageId)) {
      this.drop(from);
      return;
    }
    if (message.from === from) {
      this.#host.received(message);
      return;
    }
    this.#calls.delete(from);
    end(call, refusalError({ reason: "sender", message: `node ${from} sent a message as node ${message.from}` }));
  }
}

/** grpc-js ends a stream with the status of the error that is emitted on it. */
function end(call: Call, error: Partial<ServiceError>): void {
  call.emit("error", error);
}
