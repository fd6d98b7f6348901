// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import type { WindowGrant } from "@tsoracle/core";
import {
  type GetTsRequest,
  type GetTsResponse,
  grantToResponse,
  LEADER_HINT_TRAILER,
  SequenceReadServiceDefinition,
  type SequenceReadServiceImplementation,
  TsoServiceDefinition,
  type TsoServiceImplementation,
  TsoStreamServiceDefinition,
  type TsoStreamServiceImplementation,
} from "@tsoracle/proto";
import { type CallContext, type CompatServiceDefinition, ServerError } from "nice-grpc";
import { HealthDefinition } from "nice-grpc-server-health";
import type { GrantDesk } from "./grant-desk.ts";
import { GrantStream, type StreamSurroundings } from "./grant-stream.ts";
import type { Health } from "./health.ts";
import type { Oracle } from "./oracle.ts";
import type { ReflectionParts } from "./reflection.ts";
import { Code, RpcError } from "./status.ts";

/** One service as nice-grpc takes it. */
export interface NiceGrpcService {
  readonly definition: CompatServiceDefinition;
  /** Fits the definition. */
  readonly implementation: object;
}

/** What is needed of a nice-grpc server. */
export interface NiceGrpcServer {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  add(definition: any, implementation: any): void;
}

/** The handlers of the oracle for nice-grpc. The limits of the connection are those of the server they are mounted in. */
export function niceServices(oracle: Oracle, health: Health, reflection: ReflectionParts): readonly NiceGrpcService[] {
  const { desk, streams, sequences, leases, safePoints } = oracle;
  return [
    {
      definition: TsoServiceDefinition,
      implementation: {
        getTs: (request: GetTsRequest, context: CallContext) => unary(context, () => grantOne(desk, request.count)),
        getCurrentMaxSafe: async () => safePoints.getCurrentMaxSafe(),
        getSafeFrontier: async () => safePoints.getSafeFrontier(),
        getSeq: handler(sequences.getSeq.bind(sequences)),
        getSeqBatch: handler(sequences.getSeqBatch.bind(sequences)),
        acquireLease: handler(leases.acquire.bind(leases)),
        renewLease: handler(leases.renew.bind(leases)),
        releaseLease: handler(leases.release.bind(leases)),
      } satisfies TsoServiceImplementation,
    },
    {
      definition: TsoStreamServiceDefinition,
      implementation: {
        stream: (requests: AsyncIterable<GetTsRequest>, context: CallContext) => niceStream(requests, context, streams),
      } satisfies TsoStreamServiceImplementation,
    },
    {
      definition: SequenceReadServiceDefinition,
      implementation: {
        loadSeq: handler(sequences.loadSeq.bind(sequences)),
      } satisfies SequenceReadServiceImplementation,
    },
    {
      definition: HealthDefinition,
      implementation: {
        check: handler(async ({ service }: { service: string }) => health.check(service)),
        watch: ({ service }: { service: string }, { signal }: CallContext) => health.watch(service, signal),
      },
    },
    { definition: reflection.definition, implementation: reflection.implementation },
  ];
}

function handler<Request, Response>(handle: (request: Request) => Promise<Response>) {
  return (request: Request, context: CallContext): Promise<Response> => unary(context, () => handle(request));
}

async function unary<Response>(context: CallContext, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    throw toServerError(error, context);
  }
}

function toServerError(error: unknown, context: CallContext): unknown {
  if (!(error instanceof RpcError)) return error;
  if (error.leaderHint !== undefined) context.trailer.set(LEADER_HINT_TRAILER, error.leaderHint);
  return new ServerError(error.code, error.message);
}

function grantOne(desk: GrantDesk, count: number): Promise<GetTsResponse> {
  if (count === 0) return Promise.reject(new RpcError(Code.INVALID_ARGUMENT, "count must be >= 1"));
  return new Promise((resolve, reject) => {
    desk.submit(count, {
      granted: (grant) => resolve(grantToResponse(grant)),
      refused: reject,
      abandoned: false,
    });
  });
}

/** Bridges a stream to generators: answers wait in a list until nice-grpc has sent those before. */
async function* niceStream(
  requests: AsyncIterable<GetTsRequest>,
  context: CallContext,
  surroundings: StreamSurroundings,
): AsyncGenerator<GetTsResponse, void, undefined> {
  const answers: WindowGrant[] = [];
  const events = new EventTarget();
  let paused = false;
  let end: { readonly error: RpcError | undefined } | undefined;
  const stir = (): void => void events.dispatchEvent(new Event("stir"));
  const stream = new GrantStream(
    {
      // One list's worth at a time: the stream stops reading until the generator has sent everything.
      write: (grant) => {
        answers.push(grant);
        stir();
        return false;
      },
      finish: (error) => {
        end = { error };
        stir();
      },
      pauseReading: () => {
        paused = true;
      },
      resumeReading: () => {
        paused = false;
        stir();
      },
    },
    surroundings,
  );
  void (async () => {
    try {
      for await (const { count } of requests) {
        stream.request(count);
        while (paused && end === undefined && !context.signal.aborted)
          await once(events, "stir", { signal: context.signal });
      }
      stream.requestsEnded();
    } catch {
      // The client is gone; the generator is told by nice-grpc.
      stream.cancelled();
    }
  })();
  try {
    while (true) {
      for (let answer = answers.shift(); answer !== undefined; answer = answers.shift()) yield grantToResponse(answer);
      if (end !== undefined) break;
      stream.drained();
      await once(events, "stir", { signal: context.signal });
    }
    if (end.error !== undefined) throw toServerError(end.error, context);
  } finally {
    stream.cancelled();
  }
}
