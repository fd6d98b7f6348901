// SPDX-License-Identifier: Apache-2.0
import {
  descriptorSet,
  SequenceReadServiceDefinition,
  TsoServiceDefinition,
  TsoStreamServiceDefinition,
} from "@tsoracle/proto";
import { ServerReflection, ServerReflectionService } from "nice-grpc-server-reflection";
import { HEALTH_DESCRIPTOR } from "./health-descriptor.ts";

/** What the reflection library gives: a service of grpc-js and its implementation for nice-grpc. */
export interface ReflectionParts {
  readonly definition: typeof ServerReflectionService;
  /** The same messages under the older name, which some tools ask first. */
  readonly alphaDefinition: object;
  readonly implementation: ReturnType<typeof ServerReflection>;
}

const ALPHA_PATH = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/** What the clients' port lists. */
export const CLIENT_SERVICES: readonly string[] = [
  TsoServiceDefinition.fullName,
  TsoStreamServiceDefinition.fullName,
  SequenceReadServiceDefinition.fullName,
  "grpc.health.v1.Health",
];

/** Builds reflection over the protocol's own descriptors. Build it before anything is started: bad ones throw. */
export function reflectionParts(services: readonly string[]): ReflectionParts {
  const files = Buffer.concat([descriptorSet(), HEALTH_DESCRIPTOR]);
  const { serverReflectionInfo } = ServerReflectionService;
  return {
    definition: ServerReflectionService,
    alphaDefinition: { serverReflectionInfo: { ...serverReflectionInfo, path: ALPHA_PATH } },
    implementation: ServerReflection(Uint8Array.from(files), [...services]),
  };
}
