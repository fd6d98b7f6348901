// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lines, runCli, temporaryDirectory } from "./cli-process.ts";

/** Every one of these must end with 2 and one line that names the flag and what was expected. */
const WRONG: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["an unknown flag", ["serve", "file", "--lisen", "x"], ["--lisen", "--listen", "--help"]],
  ["an unknown command", ["sreve"], ["sreve"]],
  ["an unknown driver", ["serve", "oracle9i"], ["oracle9i", "file, memory"]],
  ["a driver that nobody knows", ["serve", "flie"], ["flie", "file, memory, postgres, redis, etcd, raft"]],
  ["a duration without unit", ["serve", "file", "--window-ahead", "3"], ["--window-ahead", "duration", "500ms"]],
  ["a negative duration", ["serve", "file", "--shutdown-grace", "-1s"], ["--shutdown-grace"]],
  ["a zero window", ["serve", "file", "--window-ahead", "0"], ["--window-ahead", "from 1ms"]],
  [
    "an advance beyond the window",
    ["serve", "file", "--window-ahead", "1s", "--failover-advance", "2s"],
    ["--failover-advance", "--window-ahead", "2s", "1s"],
  ],
  [
    "a lease floor above the ceiling",
    ["serve", "file", "--lease-ttl-floor", "10s", "--lease-ttl-ceiling", "5s"],
    ["--lease-ttl-floor", "--lease-ttl-ceiling"],
  ],
  ["an address without port", ["serve", "file", "--listen", "localhost"], ["--listen", "HOST:PORT"]],
  ["an address with a scheme", ["serve", "file", "--listen", "http://127.0.0.1:1"], ["--listen", "HOST:PORT"]],
  ["a port out of range", ["serve", "file", "--listen", "127.0.0.1:65536"], ["--listen", "65535"]],
  ["a bad metrics address", ["serve", "file", "--metrics-listen", "9551"], ["--metrics-listen", "HOST:PORT"]],
  ["a log level that does not exist", ["serve", "file", "--log", "loud"], ["--log", "info"]],
  ["a key without certificate", ["serve", "file", "--tls-key", "k.pem"], ["--tls-key", "--tls-cert"]],
  ["a certificate without key", ["serve", "file", "--tls-cert", "c.pem"], ["--tls-cert", "--tls-key"]],
  [
    "a client authority without certificate",
    ["serve", "file", "--tls-client-ca", "ca.pem"],
    ["--tls-client-ca", "--tls-cert"],
  ],
  [
    "a certificate file that is missing",
    ["serve", "file", "--tls-cert", "none.pem", "--tls-key", "none.pem"],
    ["--tls-cert", "none.pem"],
  ],
  ["an empty state directory", ["serve", "file", "--state-dir", ""], ["--state-dir", "path"]],
  ["a flag of another driver", ["serve", "memory", "--state-dir", "d"], ["--state-dir"]],
  ["a flag without its value", ["serve", "file", "--listen"], ["--listen"]],
  ["a word too many", ["serve", "file", "now"], ["too many arguments"]],
  ["a count of zero", ["get", "-n", "0"], ["--count", "1 to 262144"]],
  ["a count above the limit", ["get", "-n", "262145"], ["--count", "1 to 262144"]],
  ["a count in words", ["get", "-n", "three"], ["--count", "whole number"]],
  ["no endpoint", ["get", "--endpoints", ""], ["--endpoints", "HOST:PORT"]],
  ["an endpoint list with a hole", ["get", "--endpoints", "a:1,,b:2"], ["--endpoints", "HOST:PORT"]],
  ["an endpoint with port 0", ["get", "--endpoints", "a:0"], ["--endpoints", "1 to 65535"]],
  ["a client key without certificate", ["get", "--client-tls-key", "k.pem"], ["--client-tls-key", "--client-tls-cert"]],
  ["an empty sequence key", ["seq", ""], ["key", "1 to 128 bytes"]],
  ["a sequence key that is too long", ["seq", "é".repeat(65)], ["key", "1 to 128 bytes"]],
  ["no sequence key", ["seq"], ["key"]],
  ["an empty lease holder", ["lease", "acquire", ""], ["holder", "1 to 128 bytes"]],
  ["a lease time to live without unit", ["lease", "acquire", "a", "--ttl", "10"], ["--ttl", "duration"]],
  ["a lease id that is no number", ["lease", "renew", "x1"], ["lease-id", "whole number"]],
  ["no lease command", ["lease"], ["lease"]],
  ["a timestamp in words", ["decode", "soon"], ["decimal or 0x"]],
  ["a timestamp beyond 64 bits", ["decode", "18446744073709551616"], ["2^64-1"]],
  ["init without a seed", ["init"], ["--seed-physical-ms"]],
  ["a seed beyond 46 bits", ["init", "--seed-physical-ms", "70368744177664"], ["--seed-physical-ms", "70368744177663"]],
  ["a subject that is not there", ["conformance", "./none.mjs"], ["subject-module", "none.mjs"]],
  ["an operators' port that is none", ["admin", "members", "--endpoint", "x"], ["--endpoint", "HOST:PORT"]],
  ["admin without a command", ["admin"], ["members, add-learner, promote, remove or transfer"]],
  [
    "more kills than the demonstration has time for",
    ["demo", "--seconds", "1", "--kills", "9"],
    ["--kills", "--seconds"],
  ],
];

describe("wrong usage", () => {
  it.each(WRONG)("refuses %s with exit 2 and one line", async (_what, args, named) => {
    const directory = temporaryDirectory();
    const { code, stdout, stderr } = await runCli(args, { cwd: directory });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(lines(stderr)).toHaveLength(1);
    for (const word of named) expect(stderr).toContain(word);
    expect(readdirSync(directory), "nothing is written").toEqual([]);
  });

  it("names the variable when a value from the environment is wrong", async () => {
    const result = await runCli(["serve"], { env: { TSORACLE_WINDOW_AHEAD: "soon" }, cwd: temporaryDirectory() });
    expect(result.code).toBe(2);
    expect(lines(result.stderr)).toEqual([expect.stringContaining("TSORACLE_WINDOW_AHEAD")]);
    expect(result.stderr).toContain("duration");
  });

  it("names the variable of a switch that holds neither yes nor no", async () => {
    const result = await runCli(["decode", "1"], { env: { TSORACLE_JSON: "maybe" } });
    expect(result).toMatchObject({
      code: 2,
      stderr: "error: TSORACLE_JSON is 'maybe': expected 1, true, 0 or false\n",
    });
  });

  it("refuses a PEM file that is none, before the state directory is made", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "text.pem"), "not a certificate\n");
    const flags = ["--tls-cert", "text.pem", "--tls-key", "text.pem", "--state-dir", "state"];
    const result = await runCli(["serve", "file", ...flags], { cwd: directory });
    expect(result.code).toBe(2);
    expect(lines(result.stderr)).toEqual([expect.stringMatching(/--tls-cert.*PEM/)]);
    expect(existsSync(join(directory, "state"))).toBe(false);
  });
});

describe("flags and variables", () => {
  it("takes a variable where there is no flag, and the flag where there are both", async () => {
    const env = { TSORACLE_SEED_PHYSICAL_MS: "1000", TSORACLE_STATE_DIR: "from-variable" };
    const cwd = temporaryDirectory();
    const result = await runCli(["init", "--state-dir", "from-flag"], { env, cwd });
    expect(result).toMatchObject({ code: 0, stdout: "Initialized from-flag at seed physical_ms=1000\n", stderr: "" });
    expect(readdirSync(cwd)).toEqual(["from-flag"]);
  });

  it.each([
    ["1", true],
    ["true", true],
    ["0", false],
    ["false", false],
    ["", false],
  ])("reads TSORACLE_JSON=%j as %s", async (value, isJson) => {
    const { code, stdout } = await runCli(["decode", "1"], { env: { TSORACLE_JSON: value } });
    expect(code).toBe(0);
    expect(stdout.startsWith("{")).toBe(isJson);
  });
});

describe("help", () => {
  const commands = [
    [],
    ["serve"],
    ["serve", "file"],
    ["serve", "memory"],
    ["serve", "postgres"],
    ["serve", "redis"],
    ["postgres"],
    ["postgres", "init"],
    ["postgres", "status"],
    ["postgres", "fast-forward"],
    ["postgres", "force-reinit"],
    ["redis"],
    ["redis", "init"],
    ["redis", "status"],
    ["redis", "admit"],
    ["redis", "fast-forward"],
    ["get"],
    ["seq"],
    ["lease"],
    ["lease", "acquire"],
    ["lease", "renew"],
    ["lease", "release"],
    ["decode"],
    ["init"],
    ["status"],
    ["conformance"],
    ["demo"],
    ["bench"],
  ];

  it.each(commands.map((words) => [words.join(" "), words] as const))(
    "of '%s' has examples and ends with 0",
    async (_name, words) => {
      const { code, stdout, stderr } = await runCli([...words, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("Usage: tsoracle");
      expect(stdout).toContain("Examples:");
    },
  );

  it("prints the version of the package", async () => {
    const { code, stdout } = await runCli(["--version"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});
