// SPDX-License-Identifier: Apache-2.0
import type { Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  type GetTsFields,
  type GrpcMethod,
  grpcService,
  HOT_GET_TS,
  HOT_STREAM,
  SequenceReadServiceDefinition,
  TsoServiceDefinition,
} from "@tsoracle/proto";
import { HealthDefinition } from "nice-grpc-server-health";
import { bidiStream, type CountOnly, grantStream, serverStream, unary, unaryGrant } from "./grpc-js-calls.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";
import type { Oracle } from "./oracle.ts";
import type { ReflectionParts } from "./reflection.ts";

const UNARY_GET_TS: GrpcMethod<CountOnly, GetTsFields> = {
  ...HOT_GET_TS,
  requestSerialize: ({ count }) => HOT_GET_TS.requestSerialize(count),
  requestDeserialize: (bytes) => ({ count: HOT_GET_TS.requestDeserialize(bytes) }),
};

/** Adds the three services of the oracle to a grpc-js server, the hot path with its hand-written codec. */
export function addOracleServices(server: Server, oracle: Oracle, logger: Logger): void {
  const { desk, streams, sequences, leases, safePoints } = oracle;
  addService(
    server,
    { ...grpcService(TsoServiceDefinition), getTs: UNARY_GET_TS },
    {
      getTs: unaryGrant(desk, logger),
      getCurrentMaxSafe: unary(() => safePoints.getCurrentMaxSafe(), logger),
      getSafeFrontier: unary(() => safePoints.getSafeFrontier(), logger),
      getSeq: unary((request: Parameters<typeof sequences.getSeq>[0]) => sequences.getSeq(request), logger),
      getSeqBatch: unary(
        (request: Parameters<typeof sequences.getSeqBatch>[0]) => sequences.getSeqBatch(request),
        logger,
      ),
      acquireLease: unary((request: Parameters<typeof leases.acquire>[0]) => leases.acquire(request), logger),
      renewLease: unary((request: Parameters<typeof leases.renew>[0]) => leases.renew(request), logger),
      releaseLease: unary((request: Parameters<typeof leases.release>[0]) => leases.release(request), logger),
    },
  );
  addService(server, { stream: HOT_STREAM }, { stream: grantStream(streams, logger) });
  addService(
    server,
    { ...grpcService(SequenceReadServiceDefinition) },
    {
      loadSeq: unary((request: Parameters<typeof sequences.loadSeq>[0]) => sequences.loadSeq(request), logger),
    },
  );
}

/** Adds health and reflection. */
export function addCommonServices(server: Server, health: Health, reflection: ReflectionParts, logger: Logger): void {
  addService(
    server,
    { ...grpcService(HealthDefinition) },
    {
      check: unary(({ service }: { service: string }) => health.check(service), logger),
      watch: serverStream(
        ({ service }: { service: string }, signal: AbortSignal) => health.watch(service, signal),
        logger,
      ),
    },
  );
  addReflection(server, reflection, logger);
}

/** Adds reflection under both names that tools ask for. */
export function addReflection(server: Server, reflection: ReflectionParts, logger: Logger): void {
  const { serverReflectionInfo } = reflection.implementation;
  // The library answers each request from it alone and never looks at the call.
  type Reflect = (requests: AsyncIterable<unknown>, context: unknown) => AsyncIterable<unknown>;
  const reflect = bidiStream((requests) => (serverReflectionInfo as unknown as Reflect)(requests, undefined), logger);
  addService(server, reflection.definition, { serverReflectionInfo: reflect });
  addService(server, reflection.alphaDefinition, { serverReflectionInfo: reflect });
}

/** Adds one service with the handlers that fit its definition. */
export function addService(server: Server, definition: object, implementation: object): void {
  server.addService(definition as ServiceDefinition, implementation as UntypedServiceImplementation);
}
