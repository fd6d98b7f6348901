// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from "node:url";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { type GetTsFields, HOT_GET_TS } from "@tsoracle/proto";
import { isStopped, waitUntil } from "@tsoracle/test-services";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "./cli-process.ts";
import { RaftServers } from "./raft-servers.ts";
import { Caller, clientOf } from "./store-servers.ts";

const pem = (name: string): string => fileURLToPath(new URL(`./fixtures/tls/${name}`, import.meta.url));
/** Of nodes 1 to 3 of the cluster `tls-cluster`. */
const member = (name: string): string =>
  fileURLToPath(new URL(`../../driver-raft/test/transport/fixtures/${name}`, import.meta.url));

/** One bare request, which waits in the connection while the server is paused. */
function askDirectly(address: string): Promise<GetTsFields | ServiceError> {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const { path, requestSerialize, responseDeserialize } = HOT_GET_TS;
  return new Promise((resolve) => {
    const deadline = { deadline: Date.now() + 30_000 };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, 1, deadline, (error, value) =>
      resolve(error ?? (value as GetTsFields)),
    );
  });
}

describe("serve raft", { timeout: 120_000 }, () => {
  it("hands over on SIGTERM, ends with 0, and clients go on in order", async () => {
    const servers = await RaftServers.start(3);
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(300);
    const leader = await servers.leader();
    caller.longestGapMs = 0;
    expect(await servers.process(leader).kill("SIGTERM")).toMatchObject({ code: 0, signal: null });
    servers.processes.delete(leader);
    await caller.more(300);
    await caller.stop();
    console.log(`hand-over: the longest time without an answer was ${caller.longestGapMs.toFixed()} ms`);
    expect(await servers.leader()).not.toBe(leader);
  });

  it("goes on after kill -9 of the leader, which comes back as a follower of the others", async () => {
    const servers = await RaftServers.start(3);
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(300);
    const leader = await servers.leader();
    await servers.kill(leader);
    await caller.more(300);
    expect(await servers.leader()).not.toBe(leader);
    await servers.serve(leader);
    const [other = 0] = servers.others(leader);
    await servers.kill(other);
    await caller.more(300);
    await caller.stop();
  });

  it.each(["confirm", "lease"])("never answers as a leader that was paused beyond its reign (%s)", async (mode) => {
    const servers = await RaftServers.start(3, "--freshness", mode);
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(100);
    const old = await servers.leader();
    const { pid, child } = servers.process(old);
    child.kill("SIGSTOP");
    await waitUntil("the leader to be paused", () => isStopped(pid));
    const late = askDirectly(servers.of(old).client);
    await caller.more(100);
    const next = await servers.leader(servers.others(old));
    child.kill("SIGCONT");
    expect(await late).toMatchObject({ code: status.FAILED_PRECONDITION });
    expect(next).not.toBe(old);
    await caller.more(100);
    await caller.stop();
  });

  it("removes no member that the quorum needs, unless it is forced to", async () => {
    const servers = await RaftServers.start(3);
    const away = await servers.leader();
    // Whoever leads from now on has never heard it.
    await servers.kill(away);
    const remove = async (...more: string[]) => {
      const leader = await servers.leader(servers.others(away));
      const [kept = 0] = servers.others(away).filter((id) => id !== leader);
      return await runCli(["admin", "remove", "--id", `${kept}`, "--endpoint", servers.of(leader).admin, ...more]);
    };
    // It refuses for another reason while it cannot know yet who lives, and where an election came in between.
    const refused = await waitUntil("the leader to know who lives", async () => {
      const result = await remove();
      expect(result).toMatchObject({ code: 1, stdout: "" });
      return /no majority/.test(result.stderr) ? result : undefined;
    });
    expect(refused.stderr).toContain(
      `and ${away} is not heard from: the rest is no majority; bring it back, remove it first, or force`,
    );
    await waitUntil("it to be forced", async () => (await remove("--force")).code === 0);
    // Two voters are left and one of them is away: nobody is served until it is back.
    await servers.serve(away);
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(50);
    await caller.stop();
  });

  it("takes members and operators by their certificates", async () => {
    const servers = await RaftServers.format(3, "tls-cluster");
    const peerTls = (id: number, name = id): string[] => [
      ...["--peer-tls-cert", member(`node-${name}.crt`), "--peer-tls-key", member(`node-${name}.key`)],
      ...["--peer-tls-ca", member("ca.crt")],
    ];
    const server = ["--admin-tls-cert", pem("server.pem"), "--admin-tls-key", pem("server.key")];
    const adminTls = [...server, "--admin-tls-ca", pem("ca.pem")];
    await Promise.all([1, 2, 3].map((id) => servers.serve(id, [...peerTls(id), ...adminTls])));
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(50);
    const operator = ["--client-tls-cert", pem("client.pem"), "--client-tls-key", pem("client.key")];
    const members = ["admin", "members", "--endpoint", servers.of(1).admin, "--client-tls-ca", pem("ca.pem")];
    const { code, stdout } = await runCli([...members, ...operator, "--json"]);
    expect(code).toBe(0);
    const { leader } = JSON.parse(stdout) as { leader: string };
    expect((await runCli(members)).code).toBe(1);

    const victim = Number(leader) === 3 ? 2 : 3;
    await servers.kill(victim);
    const impostor = await servers.serve(victim, [...peerTls(victim, Number(leader)), ...adminTls]);
    const expected = `expected a certificate with the subject alternative name URI:raft://tls-cluster/${victim}`;
    await impostor.untilStderr(new RegExp(expected));
    await caller.more(50);
    await caller.stop();
  });

  it("adds a node, promotes it and removes the leader with one command each, unseen by clients", async () => {
    const servers = await RaftServers.start(3);
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(100);
    const admin = (id: number, ...words: string[]) => runCli(["admin", ...words, "--endpoint", servers.of(id).admin]);
    const leader = await servers.leader();
    const [follower = 0] = servers.others(leader);

    const { peer, client, admin: operators } = await servers.addresses(4);
    const formatted = await runCli([
      ...[
        "raft",
        "format",
        "--raft-dir",
        servers.directory(4),
        "--cluster-id",
        "test",
        "--id",
        "4",
        "--join",
        "--json",
      ],
    ]);
    const { storageId } = JSON.parse(formatted.stdout) as { storageId: string };
    const where = ["--raft-addr", peer, "--service-endpoint", client, "--admin-endpoint", operators];
    const add = await admin(follower, "add-learner", "--id", "4", ...where, "--storage-id", storageId);
    expect(add).toMatchObject({ code: 0, stdout: expect.stringContaining("Member 4 is a learner") });
    const peers = [1, 2, 3].map((id) => `${id}=${servers.of(id).peer}`).join(",");
    await servers.serve(4, ["--peers", peers, "--peer-listen", peer]);
    expect(await admin(follower, "promote", "--id", "4")).toMatchObject({ code: 0, stdout: "Member 4 has a vote\n" });

    const old = servers.process(leader);
    expect(await admin(leader, "remove", "--id", String(leader))).toMatchObject({ code: 0, stderr: "" });
    const { code, stderr } = await old.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/was removed from the cluster/);
    servers.processes.delete(leader);
    expect(await admin(4, "transfer", "--id", "4")).toMatchObject({ code: 0, stdout: "Member 4 leads\n" });
    await caller.more(100);
    await caller.stop();

    const { stdout } = await admin(follower, "members", "--json");
    const ids = [1, 2, 3, 4].filter((id) => id !== leader).map(String);
    expect(JSON.parse(stdout)).toMatchObject({ leader: "4", members: ids.map((id) => ({ id, role: "voter" })) });
    expect(await admin(4, "remove", "--id", "9")).toMatchObject({ code: 1, stderr: /no member 9/ });
  });
});
