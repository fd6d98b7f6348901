// SPDX-License-Identifier: Apache-2.0
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@tsoracle/client";
import { freePorts } from "@tsoracle/test-services";
import { describe, expect, it, onTestFinished } from "vitest";
import { CliProcess, runCli, startServer } from "./cli-process.ts";
import { RaftServers } from "./raft-servers.ts";
import { Caller, clientOf } from "./store-servers.ts";

/** A byte in the middle of what the node has written to its log, changed. Returns the file's name. */
function rot(directory: string): string {
  const [name = ""] = readdirSync(directory).filter((one) => one.startsWith("wal-"));
  const path = join(directory, name);
  const bytes = readFileSync(path);
  const used = bytes.findLastIndex((byte) => byte !== 0);
  const at = Math.floor(used / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
  writeFileSync(path, bytes);
  return name;
}

describe("a raft node that must not take part", { timeout: 120_000 }, () => {
  it("is refused when its disk was lost and formatted anew under its old id", async () => {
    const servers = await RaftServers.start(3);
    const leader = await servers.leader();
    const [victim = 0] = servers.others(leader);
    await servers.kill(victim);
    servers.wipe(victim);
    expect(await servers.format(victim)).toMatchObject({ code: 0 });
    const back = new CliProcess(["serve", ...servers.flags(victim)]);
    const { code, stderr } = await back.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`refuses this node: the disk of node ${victim} was replaced: .*remove the member and add a new one`),
    );
    expect(await servers.leader()).toBe(leader);
  });

  it("ends together with its clone, while the others go on", async () => {
    const servers = await RaftServers.start(3);
    const leader = await servers.leader();
    const [victim = 0] = servers.others(leader);
    await servers.kill(victim);
    const copy = `${servers.directory(victim)}-copy`;
    cpSync(servers.directory(victim), copy, { recursive: true });
    const [peerPort, clientPort] = await freePorts(2);
    const elsewhere = ["--peer-listen", `127.0.0.1:${peerPort}`, "--listen", `127.0.0.1:${clientPort}`];
    const both = [
      new CliProcess(["serve", ...servers.flags(victim)]),
      new CliProcess(["serve", "raft", "--id", String(victim), "--raft-dir", copy, ...elsewhere]),
    ];
    for (const process of both) {
      const { code, stderr } = await process.ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`two processes speak for node ${victim}: its directory was copied`));
    }
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(50);
    await caller.stop();
  });

  it("does not start when a byte that it answered for has rotted, and says where", async () => {
    const servers = await RaftServers.start(3);
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(50);
    await caller.stop();
    const leader = await servers.leader();
    await servers.kill(leader);
    const file = rot(servers.directory(leader));
    const { code, stdout, stderr } = await runCli(["serve", ...servers.flags(leader)]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      new RegExp(`\\[damaged\\] ${file} at byte \\d+ in .*must not vote again.*Remove node ${leader}`),
    );
  });

  it("ends when its disk takes no more, while the others go on", async () => {
    const servers = await RaftServers.format(3);
    // As a full disk, for one process alone: a write beyond 64 KiB of a file fails.
    const full = ["bash", "-c", 'trap "" XFSZ; ulimit -f 64; exec "$@"', "bash"];
    await Promise.all([servers.serve(1), servers.serve(2), servers.serve(3, [], { under: full })]);
    await servers.leader();
    const client = createClient({ endpoints: [1, 2, 3].map((id) => servers.of(id).client) });
    onTestFinished(() => client[Symbol.asyncDispose]());
    const ended = servers.process(3).ended;
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    // Entries of a known size, so that the log grows; what happens to a call in the moment of the fault does not matter.
    const keys = Array.from({ length: 128 }, (_, index) => String(index).padStart(120, "k"));
    for (let round = 0; round < 200 && !isOver; round += 1) {
      await client.getSeqBatch(keys.map((key) => ({ key, count: 1 }))).catch(() => {});
    }
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/EFBIG/);
    servers.processes.delete(3);
    await servers.leader();
    const caller = new Caller(clientOf(servers.clients()));
    await caller.more(50);
    await caller.stop();
  });

  it("does not start a second time on a directory that a living process holds", async () => {
    const servers = await RaftServers.format(1);
    const [port] = await freePorts(1);
    const { process } = await startServer([...servers.flags(1)]);
    const again = ["--peer-listen", `127.0.0.1:${port}`, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    const { code, stderr } = await runCli(["serve", ...servers.flags(1), ...again, "--take-over-lock"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`\\[locked\\] process ${process.pid} holds `));
  });
});
