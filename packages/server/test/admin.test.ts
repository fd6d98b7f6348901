// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { credentials, status } from "@grpc/grpc-js";
import {
  ConsensusError,
  type ConsensusErrorCode,
  type Member,
  type MembershipAdmin,
  type MembershipRefusal,
  type NewMember,
} from "@tsoracle/consensus";
import { peerEndpoint } from "@tsoracle/core";
import { AdminErrorKind, type ChangeResponse, grpcService, MembershipAdminDefinition } from "@tsoracle/proto";
import { describe, expect, it } from "vitest";
import { type AdminPortOptions, createServer } from "../src/index.ts";
import { ScriptedDriver } from "./support/scripted-driver.ts";
import { refusal, WireClient } from "./support/wire.ts";

const admin = grpcService(MembershipAdminDefinition);
const pem = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

const member = (id: bigint, role: Member["role"] = "voter"): Member => ({
  id,
  role,
  peerEndpoint: peerEndpoint(`10.0.0.${id}:51001`),
  clientEndpoint: peerEndpoint(`10.0.0.${id}:50551`),
  adminEndpoint: peerEndpoint(`10.0.0.${id}:51002`),
});

/** A driver whose members are a list, and which refuses when it is told to. */
class ClusterDriver extends ScriptedDriver {
  failure: ConsensusError | undefined;
  leaderId: bigint | undefined = 1n;
  readonly list: Member[] = [member(1n), member(2n), member(3n, "learner")];
  readonly calls: unknown[][] = [];
  readonly membership: MembershipAdmin = {
    members: async () => this.list,
    leader: async () => this.leaderId,
    addLearner: (added: NewMember) => this.#change("addLearner", added),
    promote: (id) => this.#change("promote", id),
    remove: (id, options) => this.#change("remove", id, options?.force),
    transfer: (to) => this.#change("transfer", to),
  };

  async #change(...call: unknown[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.calls.push(call);
  }
}

async function serving(adminPort: AdminPortOptions = { port: 0 }) {
  const driver = new ClusterDriver({ capabilities: { membership: true } });
  const server = createServer({ driver, adminPort, sidePort: 0 });
  const address = await server.listen("127.0.0.1:0");
  return { driver, server, address };
}

const stands: ChangeResponse = { ok: true, error: 0, leaderAdminEndpoint: "", message: "" };

describe("admin service", () => {
  it("lists the members with their addresses and who leads", async () => {
    const { driver, server } = await serving();
    await using _ = server;
    using client = new WireClient(server.adminAddress ?? "");
    const view = await client.call(admin.listMembers, {});
    expect(view).toMatchObject({ hasLeader: true, leader: 1n });
    expect(view.members.map(({ id, role }) => [id, role])).toEqual([
      [1n, 1],
      [2n, 1],
      [3n, 2],
    ]);
    expect(view.members[1]).toMatchObject({
      raftAddr: "10.0.0.2:51001",
      serviceEndpoint: "10.0.0.2:50551",
      adminEndpoint: "10.0.0.2:51002",
    });
    driver.leaderId = undefined;
    expect(await client.call(admin.listMembers, {})).toMatchObject({ hasLeader: false, leader: 0n });
  });

  it("hands each change to the driver, a new member with its disk", async () => {
    const { driver, server } = await serving();
    await using _ = server;
    using client = new WireClient(server.adminAddress ?? "");
    const added = { id: 4n, raftAddr: "a:1", serviceEndpoint: "a:2", adminEndpoint: "", storageId: "aa" };
    expect(await client.call(admin.addLearner, added)).toEqual(stands);
    expect(await client.call(admin.promote, { id: 3n })).toEqual(stands);
    expect(await client.call(admin.removeNode, { id: 2n, force: false })).toEqual(stands);
    expect(await client.call(admin.removeNode, { id: 3n, force: true })).toEqual(stands);
    expect(await client.call(admin.transfer, { id: 2n })).toEqual(stands);
    expect(driver.calls).toEqual([
      ["addLearner", { id: 4n, peerEndpoint: "a:1", clientEndpoint: "a:2", storageId: "aa" }],
      ["promote", 3n],
      ["remove", 2n, false],
      ["remove", 3n, true],
      ["transfer", 2n],
    ]);
  });

  it.each<[ConsensusErrorCode, MembershipRefusal | undefined, keyof typeof AdminErrorKind]>([
    ["not_leader", undefined, "ADMIN_ERROR_KIND_NOT_LEADER"],
    ["fenced", undefined, "ADMIN_ERROR_KIND_NOT_LEADER"],
    ["transient", undefined, "ADMIN_ERROR_KIND_TIMEOUT"],
    ["uncertain", undefined, "ADMIN_ERROR_KIND_TIMEOUT"],
    ["permanent", "not_member", "ADMIN_ERROR_KIND_NOT_MEMBER"],
    ["permanent", "not_caught_up", "ADMIN_ERROR_KIND_NOT_CAUGHT_UP"],
    ["permanent", "would_lose_quorum", "ADMIN_ERROR_KIND_WOULD_LOSE_QUORUM"],
    ["permanent", "conflict", "ADMIN_ERROR_KIND_DRIVER"],
    ["permanent", undefined, "ADMIN_ERROR_KIND_DRIVER"],
    ["closed", undefined, "ADMIN_ERROR_KIND_DRIVER"],
  ])("answers %s (%s) with %s, and says where the leader is exactly with NOT_LEADER", async (code, why, kind) => {
    const { driver, server } = await serving();
    await using _ = server;
    using client = new WireClient(server.adminAddress ?? "");
    driver.leaderId = 2n;
    driver.failure = new ConsensusError(code, "so it is", { refusal: why });
    const answer = await client.call(admin.promote, { id: 3n });
    const error = AdminErrorKind[kind];
    const leaderAdminEndpoint = error === AdminErrorKind.ADMIN_ERROR_KIND_NOT_LEADER ? "10.0.0.2:51002" : "";
    expect(answer).toEqual({ ok: false, error, leaderAdminEndpoint, message: `[${code}] so it is` });
  });

  it("lets a leader that is to be removed hand over first, and names its successor", async () => {
    const { driver, server } = await serving();
    await using _ = server;
    using client = new WireClient(server.adminAddress ?? "");
    driver.failure = new ConsensusError("permanent", "it leads", { refusal: "leads" });
    driver.resignation.plan(async () => {
      driver.leaderId = 2n;
    });
    expect(await client.call(admin.removeNode, { id: 1n, force: false })).toMatchObject({
      ok: false,
      error: AdminErrorKind.ADMIN_ERROR_KIND_NOT_LEADER,
      leaderAdminEndpoint: "10.0.0.2:51002",
    });
    expect(driver.calls).toEqual([]);
  });

  it("transfers to voters only, and not to whoever leads already", async () => {
    const { driver, server } = await serving();
    await using _ = server;
    using client = new WireClient(server.adminAddress ?? "");
    const kindOf = async (id: bigint) => (await client.call(admin.transfer, { id })).error;
    expect(await kindOf(3n)).toBe(AdminErrorKind.ADMIN_ERROR_KIND_DRIVER);
    expect(await kindOf(9n)).toBe(AdminErrorKind.ADMIN_ERROR_KIND_NOT_MEMBER);
    expect(await client.call(admin.transfer, { id: 1n })).toEqual(stands);
    expect(driver.calls).toEqual([]);
  });

  it("refuses ids and addresses that are none before it asks the driver", async () => {
    const { driver, server } = await serving();
    await using _ = server;
    using client = new WireClient(server.adminAddress ?? "");
    const bad = { id: 4n, raftAddr: "nowhere", serviceEndpoint: "a:2", adminEndpoint: "", storageId: "" };
    const refusals = [
      client.call(admin.promote, { id: 0n }),
      client.call(admin.removeNode, { id: 0n, force: false }),
      client.call(admin.transfer, { id: 0n }),
      client.call(admin.addLearner, bad),
      client.call(admin.addLearner, { ...bad, raftAddr: "a:1", adminEndpoint: "x" }),
    ];
    for (const call of refusals) expect((await refusal(call)).code).toBe(status.INVALID_ARGUMENT);
    expect(driver.calls).toEqual([]);
  });

  it("is not on the clients' port", async () => {
    const { server, address } = await serving();
    await using _ = server;
    using client = new WireClient(address);
    expect((await refusal(client.call(admin.listMembers, {}))).code).toBe(status.UNIMPLEMENTED);
  });
});

describe("admin port", () => {
  it("is off unless asked for", async () => {
    await using server = createServer({ driver: new ClusterDriver() });
    await server.listen("127.0.0.1:0");
    expect(server.adminAddress).toBeUndefined();
  });

  it("is refused without members, and without certificates where others could reach it", () => {
    const options = (adminPort: AdminPortOptions) => () => createServer({ driver: new ClusterDriver(), adminPort });
    expect(() => createServer({ driver: new ScriptedDriver(), adminPort: { port: 0 } })).toThrow(/members/);
    expect(options({ host: "0.0.0.0", port: 0 })).toThrow(/^adminPort.tls: expected certificates/);
    const tls = { cert: pem("server.crt"), key: pem("server.key") };
    expect(options({ port: 0, tls: tls as never })).toThrow(/^adminPort.tls.clientCa/);
    expect(options({ host: "0.0.0.0", port: 0, tls: { ...tls, clientCa: pem("ca.crt") } })).not.toThrow();
  });

  it("lets in only operators with a certificate of their authority", async () => {
    const ca = pem("ca.crt");
    const { server } = await serving({
      port: 0,
      tls: { cert: pem("server.crt"), key: pem("server.key"), clientCa: ca },
    });
    await using _ = server;
    using nameless = new WireClient(server.adminAddress ?? "", credentials.createSsl(ca));
    expect((await refusal(nameless.call(admin.listMembers, {}))).code).toBe(status.UNAVAILABLE);
    const shown = credentials.createSsl(ca, pem("client.key"), pem("client.crt"));
    using operator = new WireClient(server.adminAddress ?? "", shown);
    expect((await operator.call(admin.listMembers, {})).hasLeader).toBe(true);
  });
});

describe("metrics of a driver", () => {
  it("are on the side port beside the server's, and their absence hides none of those", async () => {
    const { driver, server } = await serving();
    await using _ = server;
    const metrics = [{ name: "tsoracle.raft.term", help: "the term", kind: "gauge" as const, value: 7 }];
    const scrape = async () => (await fetch(`http://${server.sideAddress}/metrics`)).text();
    expect(await scrape()).not.toContain("tsoracle_raft_term");
    Object.assign(driver, { metrics: async () => metrics });
    expect(await scrape()).toMatch(
      /^# HELP tsoracle_raft_term the term\n# TYPE tsoracle_raft_term gauge\ntsoracle_raft_term 7$/m,
    );
    Object.assign(driver, { metrics: () => Promise.reject(new Error("gone")) });
    expect(await scrape()).toMatch(/^tsoracle_get_ts_requests_total 0$/m);
  });
});
