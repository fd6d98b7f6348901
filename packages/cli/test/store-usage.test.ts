// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lines, runCli, temporaryDirectory } from "./cli-process.ts";

const URL_OK = "postgres://app:hush@127.0.0.1:1/db";
const NODES_OK = "redis://:hush@127.0.0.1:1,redis://:hush@127.0.0.1:2,redis://:hush@127.0.0.1:3";
const REACHED = ["--advertise", "10.0.0.1:50551"];
const servePostgres = (...rest: string[]): string[] => ["serve", "postgres", "--oracle", "o", ...rest];
const serveRedis = (...rest: string[]): string[] => ["serve", "redis", "--oracle", "o", ...rest];
const serveEtcd = (...rest: string[]): string[] => ["serve", "etcd", ...rest];

/** Each must end with 2 and one line that names the flag, without repeating what may hold a password. */
const WRONG: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["postgres without url", servePostgres(...REACHED), ["--url"]],
  ["postgres without oracle", ["serve", "postgres", "--url", URL_OK, ...REACHED], ["--oracle"]],
  ["an oracle with a space", ["serve", "postgres", "--url", URL_OK, "--oracle", "a b"], ["--oracle", "1 to 128"]],
  ["a URL that is none", servePostgres("--url", "hush", ...REACHED), ["--url", "postgres://"]],
  ["a URL of another store", servePostgres("--url", "mysql://a:hush@b/c", ...REACHED), ["--url", "scheme"]],
  ["a URL without user", servePostgres("--url", "postgres://b/c", ...REACHED), ["--url", "no user"]],
  ["a URL without database", servePostgres("--url", "postgres://a:hush@b", ...REACHED), ["--url", "no database"]],
  [
    "an sslmode that verifies nothing",
    servePostgres("--url", `${URL_OK}?sslmode=require`, ...REACHED),
    ["--url", "verify-full"],
  ],
  [
    "the second of two URLs wrong",
    servePostgres("--url", `${URL_OK},postgres://x:hush@y`, ...REACHED),
    ["--url", "no database"],
  ],
  [
    "a password in the URL and in a file",
    servePostgres("--url", URL_OK, "--password-file", "pw", ...REACHED),
    ["--url", "--password-file"],
  ],
  [
    "a password file that is missing",
    servePostgres("--url", "postgres://app@h/db", "--password-file", "none", ...REACHED),
    ["--password-file", "none"],
  ],
  ["loopback without advertise", servePostgres("--url", URL_OK), ["--advertise", "127.0.0.1:50551", "this machine"]],
  [
    "a wildcard without advertise",
    servePostgres("--url", URL_OK, "--listen", "0.0.0.0:50551"),
    ["--advertise", "0.0.0.0:50551", "every address"],
  ],
  ["the other wildcard", serveRedis("--nodes", NODES_OK, "--listen", "[::]:50551"), ["--advertise", "[::]:50551"]],
  ["a port that is not known yet", servePostgres("--url", URL_OK, "--listen", "10.0.0.1:0"), ["--advertise", "port"]],
  [
    "a wildcard as advertise",
    servePostgres("--url", URL_OK, "--advertise", "0.0.0.0:50551"),
    ["--advertise", "every address"],
  ],
  ["an advertise without port", servePostgres("--url", URL_OK, "--advertise", "a"), ["--advertise", "HOST:PORT"]],
  ["a tenure below a second", servePostgres("--url", URL_OK, "--tenure", "999ms"), ["--tenure", "from 1s"]],
  ["a drift of one", servePostgres("--url", URL_OK, "--drift", "1"), ["--drift", "0.5"]],
  [
    "an op timeout beyond half a tenure",
    servePostgres("--url", URL_OK, "--op-timeout", "2s", ...REACHED),
    ["--op-timeout", "1500ms"],
  ],
  ["a durability that it has not", servePostgres("--url", URL_OK, "--durability", "none"), ["--durability", "fsync"]],
  ["redis without nodes", serveRedis(...REACHED), ["--nodes"]],
  ["two redis nodes", serveRedis("--nodes", "a,b", ...REACHED), ["--nodes", "three", "--accept-data-loss"]],
  ["one redis node twice", serveRedis("--nodes", "a,b,redis://:hush@a:6379", ...REACHED), ["--nodes", "a:6379"]],
  ["a node of another store", serveRedis("--nodes", "a,b,http://:hush@c", ...REACHED), ["--nodes", "node 3"]],
  ["a node that is no address", serveRedis("--nodes", "a,,c", ...REACHED), ["--nodes", "node 2"]],
  ["TLS for plain nodes", serveRedis("--nodes", NODES_OK, "--store-tls-server-name", "x"), ["--nodes", "rediss://"]],
  [
    "an op timeout beyond a quarter of a tenure",
    serveRedis("--nodes", NODES_OK, "--op-timeout", "750ms", ...REACHED),
    ["--op-timeout", "quarter"],
  ],
  ["etcd without endpoints", serveEtcd(...REACHED), ["--endpoints"]],
  [
    "an etcd member of another scheme",
    serveEtcd("--endpoints", "a,redis://b", ...REACHED),
    ["--endpoints", "member 2"],
  ],
  [
    "a password in an endpoint",
    serveEtcd("--endpoints", "http://u:hush@a:1", ...REACHED),
    ["--endpoints", "--username"],
  ],
  ["one etcd member twice", serveEtcd("--endpoints", "a:1,http://a:1", ...REACHED), ["--endpoints", "member 2"]],
  ["a prefix of one name", serveEtcd("--endpoints", "a:1", "--prefix", "/a/", ...REACHED), ["--prefix", "/NAMESPACE/"]],
  [
    "TLS for a plain member",
    serveEtcd("--endpoints", "http://a:1", "--store-tls-server-name", "x", ...REACHED),
    ["--endpoints", "https://"],
  ],
  [
    "a user without a password",
    serveEtcd("--endpoints", "a:1", "--username", "u", ...REACHED),
    ["--username", "--password-file"],
  ],
  [
    "an op timeout beyond half a tenure of etcd",
    serveEtcd("--endpoints", "a:1", "--op-timeout", "2s", ...REACHED),
    ["--op-timeout", "1500ms"],
  ],
  ["etcd without command", ["etcd"], ["init, status or fast-forward"]],
  [
    "an etcd fast-forward that nobody confirmed",
    ["etcd", "fast-forward", "--endpoints", "a:1", "--at-least", "9"],
    ["--yes", "nothing was done"],
  ],
  ["postgres without command", ["postgres"], ["init, status, fast-forward or force-reinit"]],
  ["redis without command", ["redis"], ["init, status, admit, fast-forward, force-reinit or trust-restart"]],
  ["init without role", ["postgres", "init", "--url", URL_OK, "--oracle", "o"], ["--role"]],
  [
    "fast-forward without a value",
    ["postgres", "fast-forward", "--url", URL_OK, "--oracle", "o", "--yes"],
    ["--at-least"],
  ],
  [
    "fast-forward that nobody confirmed",
    ["postgres", "fast-forward", "--url", URL_OK, "--oracle", "o", "--at-least", "9"],
    ["--yes", "nothing was done"],
  ],
  [
    "force-reinit that nobody confirmed",
    ["postgres", "force-reinit", "--url", URL_OK, "--oracle", "o", "--at-least", "9"],
    ["--yes", "stopped"],
  ],
  ["admit that nobody confirmed", ["redis", "admit", "--nodes", NODES_OK, "--oracle", "o"], ["--yes", "stopped"]],
  [
    "a redis force-reinit that nobody confirmed",
    ["redis", "force-reinit", "--nodes", NODES_OK, "--oracle", "o", "--at-least", "9"],
    ["--yes", "stopped"],
  ],
  [
    "a redis trust-restart that nobody confirmed",
    ["redis", "trust-restart", "--nodes", NODES_OK, "--oracle", "o"],
    ["--yes", "acknowledged"],
  ],
  [
    "a redis fast-forward that nobody confirmed",
    ["redis", "fast-forward", "--nodes", NODES_OK, "--oracle", "o", "--at-least", "9"],
    ["--yes"],
  ],
];

describe("wrong usage of a store", () => {
  it.each(WRONG)("refuses %s with exit 2 and one line", async (_what, args, named) => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, "pw"), "hush\n");
    const { code, stdout, stderr } = await runCli(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(lines(stderr)).toHaveLength(1);
    for (const word of named) expect(stderr).toContain(word);
    expect(stderr).not.toContain("hush");
  });

  it("names a variable's flag without repeating what it holds", async () => {
    const env = { TSORACLE_URL: "mysql://a:hush@b/c", TSORACLE_ORACLE: "o", TSORACLE_ADVERTISE: "10.0.0.1:1" };
    const { code, stderr } = await runCli(["serve", "postgres"], { env });
    expect(code).toBe(2);
    expect(lines(stderr)).toEqual([expect.stringContaining("--url")]);
    expect(stderr).not.toContain("hush");
  });
});
