// SPDX-License-Identifier: Apache-2.0
// For everybody who speaks the protocol: service definitions (as nice-grpc takes them) and messages.

// For those who build servers and clients: mappings to the core's types, the trailer, the hot path.
export { descriptorSet } from "./descriptor-set.ts";
export { epochFromHiLo, epochFromWire, epochToWire } from "./epoch-wire.ts";
export {
  AddLearnerRequest,
  AdminErrorKind,
  ChangeResponse,
  ListMembersRequest,
  MemberEntry,
  MemberRole,
  type MembershipAdminClient,
  MembershipAdminDefinition,
  type MembershipAdminServiceImplementation,
  MembershipView,
  PromoteRequest,
  RemoveNodeRequest,
  TransferRequest,
} from "./gen/tsoracle/admin/v1/admin.ts";
export {
  type DeepPartial,
  LoadSeqRequest,
  LoadSeqResponse,
  type SequenceReadServiceClient,
  SequenceReadServiceDefinition,
  type SequenceReadServiceImplementation,
} from "./gen/tsoracle/sequence/v1/sequence.ts";
export {
  type TsoStreamServiceClient,
  TsoStreamServiceDefinition,
  type TsoStreamServiceImplementation,
} from "./gen/tsoracle/stream/v1/stream.ts";
export {
  AcquireLeaseRequest,
  AcquireLeaseResponse,
  EpochWire,
  GetCurrentMaxSafeRequest,
  GetCurrentMaxSafeResponse,
  GetSafeFrontierRequest,
  GetSafeFrontierResponse,
  GetSeqBatchRequest,
  GetSeqBatchResponse,
  GetSeqRequest,
  GetSeqResponse,
  GetTsRequest,
  GetTsResponse,
  LeaderHint,
  type MessageFns,
  ReleaseLeaseRequest,
  ReleaseLeaseResponse,
  RenewLeaseRequest,
  RenewLeaseResponse,
  SeqGrantEntry,
  SeqRequestEntry,
  type TsoServiceClient,
  TsoServiceDefinition,
  type TsoServiceImplementation,
} from "./gen/tsoracle/v1/tso.ts";
export {
  decodeGetTsRequest,
  decodeGetTsResponse,
  encodeGetTsRequest,
  encodeGetTsResponse,
  type GetTsFields,
} from "./get-ts-codec.ts";
export { fieldsOfResponse, grantFromResponse, grantToResponse } from "./grant-wire.ts";
export {
  type GeneratedService,
  type GrpcMethod,
  type GrpcService,
  grpcService,
  HOT_GET_TS,
  HOT_STREAM,
  type MessageCodec,
} from "./grpc-definition.ts";
export { decodeLeaderHint, encodeLeaderHint, LEADER_HINT_TRAILER, type LeaderHintReading } from "./leader-hint.ts";
export { WireError, type WireErrorCode } from "./wire-error.ts";
