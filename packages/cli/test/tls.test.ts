// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { lines, runCli, startServer, temporaryDirectory } from "./cli-process.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url));
const SERVER = ["--tls-cert", fixture("server.pem"), "--tls-key", fixture("server.key")];
const TRUST = ["--client-tls-ca", fixture("ca.pem")];
const CLIENT = ["--client-tls-cert", fixture("client.pem"), "--client-tls-key", fixture("client.key")];

async function tlsServer(...flags: readonly string[]): Promise<string> {
  return (await startServer(["memory", "--listen", "127.0.0.1:0", ...SERVER, ...flags])).address;
}

describe("TLS", () => {
  it("serves those who trust its authority", async () => {
    const address = await tlsServer();
    const { code, stdout, stderr } = await runCli(["get", "-n", "2", "--endpoints", address, ...TRUST]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines(stdout)).toHaveLength(2);
    expect(await runCli(["status", "--endpoints", address, ...TRUST])).toMatchObject({ code: 0 });
  });

  it("does not answer plaintext", async () => {
    const address = await tlsServer();
    const { code, stdout } = await runCli(["get", "--endpoints", address, "--timeout", "1s"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with a client authority lets in only clients with a certificate", async () => {
    const address = await tlsServer("--tls-client-ca", fixture("ca.pem"));
    const without = await runCli(["get", "--endpoints", address, "--timeout", "1s", ...TRUST]);
    expect(without).toMatchObject({ code: 1, stdout: "" });
    const { code, stdout } = await runCli(["get", "--endpoints", address, ...TRUST, ...CLIENT]);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(1);
  });

  it("refuses a certificate and a key that do not belong together, before it serves", async () => {
    const stateDir = join(temporaryDirectory(), "state");
    const flags = ["--tls-cert", fixture("server.pem"), "--tls-key", fixture("client.key"), "--state-dir", stateDir];
    const { code, stdout, stderr } = await runCli(["serve", "file", "--listen", "127.0.0.1:0", ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(lines(stderr)).toEqual([expect.stringMatching(/--tls-cert.*--tls-key/)]);
  });
});
