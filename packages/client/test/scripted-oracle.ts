// SPDX-License-Identifier: Apache-2.0
import { type AddressInfo, createServer, type Server as TcpServer } from "node:net";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type Epoch,
  type LeaderHint,
  MAX_TIMESTAMPS_PER_RPC,
  type PeerEndpoint,
  type PhysicalMs,
  peerEndpoint,
  physicalMs,
} from "@tsoracle/core";
import {
  encodeGetTsResponse,
  encodeLeaderHint,
  type GetTsFields,
  grpcService,
  HOT_GET_TS,
  HOT_STREAM,
  LEADER_HINT_TRAILER,
  SequenceReadServiceDefinition,
  TsoServiceDefinition,
} from "@tsoracle/proto";

/** What a scripted server does with one request. */
export type Reply =
  | { readonly kind: "answer"; readonly fields: GetTsFields }
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "status"; readonly code: number; readonly details: string; readonly hint?: Uint8Array }
  /** Says nothing, for ever. */
  | { readonly kind: "hang" }
  /** Ends the stream with OK and without an answer. */
  | { readonly kind: "end" };

export type GetTsScript = (count: number, via: "stream" | "unary") => Reply;
/** A status, or a message for the generated codec; undefined hangs. */
export type UnaryScript = (method: string, request: never) => object | undefined;

/** The counter that a cluster of scripted servers shares, so that they issue what one oracle would. */
export class SharedCounter {
  physicalMs: PhysicalMs = physicalMs(1_764_000_000_000);
  logical = 0;

  next(count: number, epoch: Epoch): GetTsFields {
    if (this.logical + count > MAX_TIMESTAMPS_PER_RPC) {
      this.physicalMs = physicalMs(this.physicalMs + 1);
      this.logical = 0;
    }
    const fields = { physicalMs: this.physicalMs, logicalStart: this.logical, count, epoch };
    this.logical += count;
    return fields;
  }
}

export function leading(counter: SharedCounter, epoch: Epoch): GetTsScript {
  return (count) => ({ kind: "answer", fields: counter.next(count, epoch) });
}

export function notLeader(hint: LeaderHint): { kind: "status"; code: number; details: string; hint: Uint8Array } {
  return { kind: "status", code: 9, details: "not leader", hint: encodeLeaderHint(hint) };
}

export interface OracleOptions {
  /** False: the server does not have the stream service. */
  readonly stream?: boolean;
  readonly credentials?: ServerCredentials;
  readonly port?: number;
}

/** A real gRPC server that answers as the script of the moment says, and writes down what it was asked. */
export class ScriptedOracle implements AsyncDisposable {
  readonly #server: Server;
  readonly endpoint: PeerEndpoint;
  /** Counts of the GetTs requests, in order of arrival, with the way they came. */
  readonly asked: { count: number; via: "stream" | "unary" }[] = [];
  /** Names of the other methods that were called. */
  readonly called: string[] = [];
  /** Streams opened so far. */
  streams = 0;
  getTs: GetTsScript = () => ({ kind: "status", code: 14, details: "no script" });
  unary: UnaryScript = () => ({ kind: "status", code: 12, details: "no script" });
  readonly #arrivals: { at: number; wake: () => void }[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.endpoint = peerEndpoint(`127.0.0.1:${port}`);
  }

  static async start(script?: GetTsScript, options: OracleOptions = {}): Promise<ScriptedOracle> {
    const server = new Server();
    let self: ScriptedOracle | undefined;
    const own = (): ScriptedOracle => self as ScriptedOracle;
    if (options.stream !== false) {
      server.addService(
        { stream: { ...HOT_STREAM, responseSerialize: encode } },
        {
          stream: (call: ServerDuplexStream<number, GetTsFields>) => own().#onStream(call),
        },
      );
    }
    const { getTs: _generated, ...others } = grpcService(TsoServiceDefinition);
    server.addService(
      { getTs: { ...HOT_GET_TS, responseSerialize: encode } },
      {
        getTs: (call: ServerUnaryCall<number, GetTsFields>, done: sendUnaryData<GetTsFields>) =>
          own().#onGetTs(call, done),
      },
    );
    const unaries = { ...others, ...grpcService(SequenceReadServiceDefinition) };
    server.addService(
      unaries,
      Object.fromEntries(
        Object.keys(unaries).map((method) => [
          method,
          (call: ServerUnaryCall<never, object>, done: sendUnaryData<object>) => own().#onUnary(method, call, done),
        ]),
      ) as UntypedServiceImplementation,
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(
        `127.0.0.1:${options.port ?? 0}`,
        options.credentials ?? ServerCredentials.createInsecure(),
        (error, bound) => (error === null ? resolve(bound) : reject(error)),
      );
    });
    self = new ScriptedOracle(server, port);
    if (script !== undefined) self.getTs = script;
    return self;
  }

  /** Resolves when the server has been asked for timestamps this often. */
  async whenAsked(times: number): Promise<void> {
    if (this.asked.length >= times) return;
    await new Promise<void>((wake) => this.#arrivals.push({ at: times, wake }));
  }

  /** Cuts every connection and frees the port, as a killed process does. */
  kill(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
  }

  #note(count: number, via: "stream" | "unary"): void {
    this.asked.push({ count, via });
    for (const arrival of this.#arrivals) if (arrival.at <= this.asked.length) arrival.wake();
  }

  #onStream(call: ServerDuplexStream<number, GetTsFields>): void {
    this.streams += 1;
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("data", (count: number) => {
      this.#note(count, "stream");
      const reply = this.getTs(count, "stream");
      if (reply.kind === "answer") call.write(reply.fields);
      else if (reply.kind === "bytes") call.write(rawFields(reply.bytes));
      else if (reply.kind === "status") call.emit("error", statusOf(reply));
      else if (reply.kind === "end") call.end();
    });
  }

  #onGetTs(call: ServerUnaryCall<number, GetTsFields>, done: sendUnaryData<GetTsFields>): void {
    this.#note(call.request, "unary");
    const reply = this.getTs(call.request, "unary");
    if (reply.kind === "answer") done(null, reply.fields);
    else if (reply.kind === "bytes") done(null, rawFields(reply.bytes));
    else if (reply.kind === "status") done(statusOf(reply));
  }

  #onUnary(method: string, call: ServerUnaryCall<never, object>, done: sendUnaryData<object>): void {
    this.called.push(method);
    const reply = this.unary(method, call.request) as Reply | undefined;
    if (reply === undefined) return;
    if (reply.kind === "status") done(statusOf(reply));
    else done(null, reply);
  }
}

function statusOf(reply: { code: number; details: string; hint?: Uint8Array }): ServiceError {
  const metadata = new Metadata();
  if (reply.hint !== undefined) metadata.set(LEADER_HINT_TRAILER, Buffer.from(reply.hint));
  return Object.assign(new Error(reply.details), { code: reply.code, details: reply.details, metadata });
}

/** Marks fields whose bytes are to be sent as they are. */
const raw = new WeakMap<GetTsFields, Buffer>();

function rawFields(bytes: Buffer): GetTsFields {
  const fields = { physicalMs: 0, logicalStart: 0, count: 0, epoch: 0n as Epoch };
  raw.set(fields, bytes);
  return fields;
}

const encode = (fields: GetTsFields): Buffer => raw.get(fields) ?? encodeGetTsResponse(fields);

/** A port that accepts connections and never says a word. */
export async function silentPort(): Promise<AsyncDisposable & { endpoint: PeerEndpoint; accepted: () => number }> {
  let accepted = 0;
  const sockets = new Set<{ destroy(): void }>();
  const server: TcpServer = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: peerEndpoint(`127.0.0.1:${port}`),
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port on which nobody listens: it was bound and given back. */
export async function closedPort(): Promise<PeerEndpoint> {
  const silent = await silentPort();
  await silent[Symbol.asyncDispose]();
  return silent.endpoint;
}
