// SPDX-License-Identifier: Apache-2.0
import type { CompatServiceDefinition, ServiceImplementation } from "nice-grpc";

/** One service as nice-grpc takes it. */
export interface NiceGrpcService {
  readonly definition: CompatServiceDefinition;
  // biome-ignore lint/suspicious/noExplicitAny: each service has its own implementation type; the pair is made here.
  readonly implementation: ServiceImplementation<any>;
}

/** What is needed of a nice-grpc server. */
export interface NiceGrpcServer {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  add(definition: any, implementation: any): void;
}
