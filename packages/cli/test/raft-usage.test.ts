// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { lines, runCli, temporaryDirectory } from "./cli-process.ts";

const pem = (name: string): string => fileURLToPath(new URL(`./fixtures/tls/${name}`, import.meta.url));
const triple = (name: string, ca = pem("ca.pem")): string[] => [
  ...[`--${name}-tls-cert`, pem("server.pem"), `--${name}-tls-key`, pem("server.key"), `--${name}-tls-ca`, ca],
];

const MEMBERS = "1=127.0.0.1:51001/127.0.0.1:50551,2=127.0.0.1:51002/127.0.0.1:50552,3=127.0.0.1:51003/127.0.0.1:50553";

function formatted(...more: readonly string[]) {
  const directory = join(temporaryDirectory(), "node");
  const flags = ["--raft-dir", directory, "--cluster-id", "main", "--json"];
  return { directory, result: runCli(["raft", "format", ...flags, ...more]) };
}

/** That nothing was done: the exit code, one line that says these things, and no directory. */
async function refused(args: readonly string[], code: 1 | 2, said: readonly (string | RegExp)[]): Promise<void> {
  const directory = join(temporaryDirectory(), "node");
  const result = await runCli([...args, "--raft-dir", directory]);
  expect({ code: result.code, stdout: result.stdout }, result.stderr).toEqual({ code, stdout: "" });
  expect(lines(result.stderr)).toHaveLength(1);
  for (const words of said) expect(result.stderr).toMatch(words);
  expect(existsSync(directory)).toBe(false);
}

describe("raft format", () => {
  it("says who the directory belongs to, and never formats it again", async () => {
    const { directory, result } = formatted("--id", "2", "--members", MEMBERS);
    const { code, stdout } = await result;
    expect(code).toBe(0);
    const identity = JSON.parse(stdout) as { storageId: string };
    expect(identity).toMatchObject({
      directory,
      clusterId: "main",
      nodeId: 2,
      firstMembers: [{ id: 1 }, { id: 2 }, {}],
    });
    expect(identity.storageId).toMatch(/^[0-9a-f]{32}$/);
    const again = await runCli(["raft", "format", "--raft-dir", directory, "--cluster-id", "main", "--join"]);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("already_formatted") });
  });

  it("lets a node that joins do without an id, and says how it is added", async () => {
    const directory = join(temporaryDirectory(), "node");
    const result = await runCli(["raft", "format", "--raft-dir", directory, "--cluster-id", "main", "--join"]);
    const [, id, storage] =
      /^Formatted .* for node (\d+) of cluster main, storage ([0-9a-f]{32})\n$/.exec(result.stdout) ?? [];
    expect(result.stderr).toContain(`--id ${id} `);
    expect(result.stderr).toContain(`--storage-id ${storage}`);
  });

  const CLUSTER = ["raft", "format", "--cluster-id", "main"];
  it.each<[string, string[], (string | RegExp)[]]>([
    ["neither a list nor a join", ["--id", "1"], ["--members", "--join"]],
    ["both a list and a join", ["--id", "1", "--members", MEMBERS, "--join"], ["--members", "--join"]],
    ["a list without an id", ["--members", MEMBERS], ["--id", "1, 2, 3"]],
    ["an id that is not in the list", ["--id", "4", "--members", MEMBERS], ["--id 4", "1, 2, 3"]],
    ["a member that stands twice", ["--id", "1", "--members", `${MEMBERS},2=a:1/a:2`], ["member 2 stands twice"]],
    ["a member without a client address", ["--id", "1", "--members", "1=a:1"], ["PEER/CLIENT"]],
    ["an address that is none", ["--id", "1", "--members", "1=a:1/b"], ["HOST:PORT"]],
    ["an id that is none", ["--id", "0", "--members", MEMBERS], ["--id", "member id"]],
    ["a peer address that two have", ["--id", "1", "--members", "1=a:1/b:1,2=a:1/b:2"], [/same peer address a:1/]],
  ])("refuses %s with exit 2", (_what, flags, said) => refused([...CLUSTER, ...flags], 2, said));
});

describe("serve raft refuses, before it touches the directory,", () => {
  const serve = (...flags: string[]): string[] => ["serve", "raft", "--id", "1", ...flags];

  it("a directory that is not formatted, with the commands that would format it", async () => {
    await refused(serve(), 1, [/tsoracle raft format --raft-dir \S+ --cluster-id CLUSTER --id 1 --members/, /--join/]);
  });

  it.each<[string, string[], (string | RegExp)[]]>([
    [
      "peers in plaintext where others reach them",
      ["--peer-listen", "0.0.0.0:0"],
      ["--peer-tls-cert", "--allow-insecure-peer"],
    ],
    [
      "operators in plaintext where others reach them",
      ["--admin-listen", "0.0.0.0:0", "--allow-insecure-peer"],
      ["--admin-tls-cert"],
    ],
    [
      "two of three files for peers",
      ["--peer-tls-cert", pem("server.pem"), "--peer-tls-key", pem("server.key")],
      ["--peer-tls-ca"],
    ],
    [
      "one of three files for operators",
      ["--admin-listen", "127.0.0.1:0", "--admin-tls-ca", pem("ca.pem")],
      ["--admin-tls-cert and"],
    ],
    ["files for operators without a port", triple("admin"), ["--admin-listen"]],
    ["a peer that stands twice", ["--peers", "1=a:1,2=b:1,1=c:1"], ["member 1 stands twice"]],
    ["a peer without an address", ["--peers", "1"], ["ID=HOST:PORT"]],
    [
      "a file that is no certificate",
      ["--peer-tls-cert", "package.json", "--peer-tls-key", "x", "--peer-tls-ca", "y"],
      ["--peer-tls-cert"],
    ],
    ["no id", ["--id", ""], ["--id"]],
  ])("%s", (_what, flags, said) => refused(serve(...flags), 2, said));

  it("the same authority for members and operators, by its path or by what is in it", async () => {
    const copy = join(temporaryDirectory(), "copy.pem");
    copyFileSync(pem("ca.pem"), copy);
    for (const ca of [pem("ca.pem"), copy]) {
      const flags = [...triple("peer"), ...triple("admin", ca), "--admin-listen", "127.0.0.1:0"];
      await refused(serve(...flags), 2, ["--admin-tls-ca", "as a member"]);
    }
  });
});

describe("serve raft", () => {
  it("is told by the list of members where clients are sent, and by nothing else", async () => {
    const { directory, result } = formatted("--id", "1", "--members", MEMBERS);
    expect(await result).toMatchObject({ code: 0 });
    const flags = ["--id", "1", "--raft-dir", directory, "--advertise", "10.0.0.1:50551"];
    const { code, stderr } = await runCli(["serve", "raft", ...flags]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/clients reach node 1 at 127\.0\.0\.1:50551/);
  });

  it("refuses the directory of another node", async () => {
    const { directory, result } = formatted("--id", "1", "--members", MEMBERS);
    expect(await result).toMatchObject({ code: 0 });
    const { code, stderr } = await runCli(["serve", "raft", "--id", "2", "--raft-dir", directory]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/formatted for node 1 of cluster main: expected --id 1/);
  });

  it("asks a node that joins where it listens and whom it calls", async () => {
    const { directory, result } = formatted("--id", "4", "--join");
    expect(await result).toMatchObject({ code: 0 });
    const own = ["serve", "raft", "--id", "4", "--raft-dir", directory];
    expect(await runCli(own)).toMatchObject({ code: 2, stderr: expect.stringContaining("--peer-listen is missing") });
    const listening = [...own, "--peer-listen", "127.0.0.1:0"];
    expect(await runCli(listening)).toMatchObject({ code: 2, stderr: expect.stringContaining("--peers is missing") });
  });
});
