// SPDX-License-Identifier: Apache-2.0
import { fromBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FieldDescriptorProto_Type, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  AdminErrorKind,
  descriptorSet,
  type GeneratedService,
  grpcService,
  HOT_GET_TS,
  HOT_STREAM,
  MemberRole,
  MembershipAdminDefinition,
  SequenceReadServiceDefinition,
  TsoServiceDefinition,
  TsoStreamServiceDefinition,
} from "../src/index.ts";

const set = fromBinary(FileDescriptorSetSchema, descriptorSet());

function fieldsOf(message: DescriptorProto): Record<string, string> {
  return Object.fromEntries(
    message.field.map((field) => [
      field.name,
      [
        field.number,
        FieldDescriptorProto_Type[field.type],
        ...(field.typeName === "" ? [] : [field.typeName]),
        ...(field.label === 3 ? ["repeated"] : []),
        ...(field.proto3Optional ? ["optional"] : []),
      ].join(" "),
    ]),
  );
}

/** Everything that two independent implementations must agree on. A change here breaks deployed clients. */
const frozenMessages = {
  "tsoracle.v1.GetTsRequest": { count: "1 UINT32" },
  "tsoracle.v1.GetTsResponse": {
    physical_ms: "1 UINT64",
    logical_start: "2 UINT32",
    count: "3 UINT32",
    epoch_hi: "4 UINT64",
    epoch_lo: "5 UINT64",
  },
  "tsoracle.v1.GetCurrentMaxSafeRequest": {},
  "tsoracle.v1.GetCurrentMaxSafeResponse": {
    max_safe_physical_ms: "1 UINT64",
    epoch_hi: "2 UINT64",
    epoch_lo: "3 UINT64",
  },
  "tsoracle.v1.GetSeqRequest": { key: "1 STRING", count: "2 UINT32" },
  "tsoracle.v1.GetSeqResponse": {
    key: "1 STRING",
    start: "2 UINT64",
    count: "3 UINT32",
    epoch: "4 MESSAGE .tsoracle.v1.EpochWire",
  },
  "tsoracle.v1.GetSeqBatchRequest": { entries: "1 MESSAGE .tsoracle.v1.SeqRequestEntry repeated" },
  "tsoracle.v1.SeqRequestEntry": { key: "1 STRING", count: "2 UINT32" },
  "tsoracle.v1.GetSeqBatchResponse": {
    grants: "1 MESSAGE .tsoracle.v1.SeqGrantEntry repeated",
    epoch: "2 MESSAGE .tsoracle.v1.EpochWire",
  },
  "tsoracle.v1.SeqGrantEntry": { key: "1 STRING", start: "2 UINT64", count: "3 UINT32" },
  "tsoracle.v1.AcquireLeaseRequest": { holder: "1 BYTES", holder_epoch: "2 UINT64", ttl_ms: "3 UINT64" },
  "tsoracle.v1.AcquireLeaseResponse": {
    lease_id: "1 UINT64",
    ts_upper_bound: "2 UINT64",
    expires_at_ms: "3 UINT64",
    epoch: "4 MESSAGE .tsoracle.v1.EpochWire",
  },
  "tsoracle.v1.RenewLeaseRequest": { lease_id: "1 UINT64" },
  "tsoracle.v1.RenewLeaseResponse": {
    ts_upper_bound: "1 UINT64",
    expires_at_ms: "2 UINT64",
    epoch: "3 MESSAGE .tsoracle.v1.EpochWire",
  },
  "tsoracle.v1.ReleaseLeaseRequest": { lease_id: "1 UINT64" },
  "tsoracle.v1.ReleaseLeaseResponse": {},
  "tsoracle.v1.GetSafeFrontierRequest": {},
  "tsoracle.v1.GetSafeFrontierResponse": {
    frontier_physical_ms: "1 UINT64",
    epoch_hi: "2 UINT64",
    epoch_lo: "3 UINT64",
  },
  "tsoracle.v1.EpochWire": { hi: "1 UINT64", lo: "2 UINT64" },
  "tsoracle.v1.LeaderHint": {
    leader_endpoint: "1 STRING optional",
    leader_epoch: "2 MESSAGE .tsoracle.v1.EpochWire optional",
  },
  "tsoracle.admin.v1.ListMembersRequest": {},
  "tsoracle.admin.v1.MembershipView": {
    members: "1 MESSAGE .tsoracle.admin.v1.MemberEntry repeated",
    has_leader: "2 BOOL",
    leader: "3 UINT64",
  },
  "tsoracle.admin.v1.MemberEntry": {
    id: "1 UINT64",
    role: "2 ENUM .tsoracle.admin.v1.MemberRole",
    raft_addr: "3 STRING",
    service_endpoint: "4 STRING",
    admin_endpoint: "5 STRING",
  },
  "tsoracle.admin.v1.AddLearnerRequest": {
    id: "1 UINT64",
    raft_addr: "2 STRING",
    service_endpoint: "3 STRING",
    admin_endpoint: "4 STRING",
    storage_id: "5 STRING",
  },
  "tsoracle.admin.v1.PromoteRequest": { id: "1 UINT64" },
  "tsoracle.admin.v1.RemoveNodeRequest": { id: "1 UINT64", force: "2 BOOL" },
  "tsoracle.admin.v1.TransferRequest": { id: "1 UINT64" },
  "tsoracle.admin.v1.ChangeResponse": {
    ok: "1 BOOL",
    error: "2 ENUM .tsoracle.admin.v1.AdminErrorKind",
    leader_admin_endpoint: "3 STRING",
    message: "4 STRING",
  },
  "tsoracle.sequence.v1.LoadSeqRequest": { key: "1 STRING" },
  "tsoracle.sequence.v1.LoadSeqResponse": {
    key: "1 STRING",
    next: "2 UINT64",
    epoch: "3 MESSAGE .tsoracle.v1.EpochWire",
  },
};

const frozenPaths = [
  "/tsoracle.v1.TsoService/GetTs",
  "/tsoracle.v1.TsoService/GetCurrentMaxSafe",
  "/tsoracle.v1.TsoService/GetSeq",
  "/tsoracle.v1.TsoService/GetSeqBatch",
  "/tsoracle.v1.TsoService/AcquireLease",
  "/tsoracle.v1.TsoService/RenewLease",
  "/tsoracle.v1.TsoService/ReleaseLease",
  "/tsoracle.v1.TsoService/GetSafeFrontier",
  "/tsoracle.stream.v1.TsoStreamService/Stream",
  "/tsoracle.sequence.v1.SequenceReadService/LoadSeq",
  "/tsoracle.admin.v1.MembershipAdmin/ListMembers",
  "/tsoracle.admin.v1.MembershipAdmin/AddLearner",
  "/tsoracle.admin.v1.MembershipAdmin/Promote",
  "/tsoracle.admin.v1.MembershipAdmin/RemoveNode",
  "/tsoracle.admin.v1.MembershipAdmin/Transfer",
].sort();

describe("wire contract", () => {
  it("keeps the number, type and presence of every field", () => {
    const actual = Object.fromEntries(
      set.file.flatMap((file) =>
        file.messageType.map((message) => [`${file.package}.${message.name}`, fieldsOf(message)]),
      ),
    );
    expect(actual).toEqual(frozenMessages);
  });

  it("keeps the path of every method, in the descriptors and in the definitions", () => {
    const described = set.file.flatMap((file) =>
      file.service.flatMap((service) =>
        service.method.map((method) => `/${file.package}.${service.name}/${method.name}`),
      ),
    );
    expect(described.sort()).toEqual(frozenPaths);
    const services: readonly GeneratedService[] = [
      TsoServiceDefinition,
      TsoStreamServiceDefinition,
      SequenceReadServiceDefinition,
      MembershipAdminDefinition,
    ];
    const defined = services.flatMap((service) =>
      Object.values<{ path: string }>(grpcService(service)).map((method) => method.path),
    );
    expect(defined.sort()).toEqual(frozenPaths);
  });

  it("keeps the numbers of roles and of errors", () => {
    expect(MemberRole).toEqual({ MEMBER_ROLE_UNSPECIFIED: 0, MEMBER_ROLE_VOTER: 1, MEMBER_ROLE_LEARNER: 2 });
    expect(Object.keys(AdminErrorKind).map((name) => name.replace("ADMIN_ERROR_KIND_", ""))).toEqual([
      ...["UNSPECIFIED", "NOT_LEADER", "UNSUPPORTED", "NOT_MEMBER", "NOT_CAUGHT_UP", "WOULD_LOSE_QUORUM"],
      ...["TIMEOUT", "DRIVER", "MEMBERS_BELOW_TARGET", "TARGET_OUT_OF_RANGE", "MEMBERSHIP_CHANGED"],
    ]);
    expect(Object.values(AdminErrorKind)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("streams in both directions on the stream service and nowhere else", () => {
    const streaming = set.file.flatMap((file) =>
      file.service.flatMap((service) =>
        service.method
          .filter((method) => method.clientStreaming || method.serverStreaming)
          .map((method) => [service.name, method.clientStreaming, method.serverStreaming]),
      ),
    );
    expect(streaming).toEqual([["TsoStreamService", true, true]]);
    expect([HOT_STREAM.requestStream, HOT_STREAM.responseStream]).toEqual([true, true]);
    expect([HOT_GET_TS.requestStream, HOT_GET_TS.responseStream]).toEqual([false, false]);
  });

  it("uses the generated paths for the hot methods", () => {
    expect(HOT_GET_TS.path).toBe("/tsoracle.v1.TsoService/GetTs");
    expect(HOT_STREAM.path).toBe("/tsoracle.stream.v1.TsoStreamService/Stream");
  });

  it("lists each file after those that it imports, as reflection needs them", () => {
    const seen = new Set<string>();
    for (const file of set.file) {
      for (const dependency of file.dependency) expect(seen).toContain(dependency);
      seen.add(file.name);
    }
  });
});
