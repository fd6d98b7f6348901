// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { ServerCredentials } from "@grpc/grpc-js";
import { epoch } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type ClientOptions, createClient } from "../src/index.ts";
import { leading, notLeader, ScriptedOracle, SharedCounter } from "./scripted-oracle.ts";

const pem = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}.pem`, import.meta.url));
const pair = { private_key: pem("server-key"), cert_chain: pem("server") };
const tlsServer = (): ServerCredentials => ServerCredentials.createSsl(null, [pair]);
const mutualServer = (): ServerCredentials => ServerCredentials.createSsl(pem("ca"), [pair], true);
const retry = {
  baseBackoffMs: 1,
  maxBackoffMs: 5,
  maxElectionBackoffMs: 5,
  maxAttempts: 2,
  perAttemptDeadlineMs: 2_000,
};
const tls = { ca: pem("ca") };

async function outcomeOf(options: ClientOptions): Promise<string> {
  await using client = createClient({ retry, ...options });
  return await client.getTs().then(
    () => "answered",
    (error: { code: string; endpoint: string | undefined }) => `${error.code} ${error.endpoint}`,
  );
}

describe("TLS", () => {
  it("speaks TLS to bare endpoints when it has settings, and to https without", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)), {
      credentials: tlsServer(),
    });
    expect(await outcomeOf({ endpoints: [oracle.endpoint], tls })).toBe("answered");
    expect(await outcomeOf({ endpoints: [`https://${oracle.endpoint}`], tls })).toBe("answered");
    // Without settings the test authority is nobody that Node trusts.
    expect(await outcomeOf({ endpoints: [`https://${oracle.endpoint}`] })).toBe(`transport ${oracle.endpoint}`);
    expect(await outcomeOf({ endpoints: [oracle.endpoint], tls: {} })).toBe(`transport ${oracle.endpoint}`);
  });

  it("fails in time when one side speaks TLS and the other does not", async () => {
    await using secure = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)), {
      credentials: tlsServer(),
    });
    await using plain = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)));
    expect(await outcomeOf({ endpoints: [secure.endpoint] })).toMatch(/^(transport|deadline_exceeded) /);
    expect(await outcomeOf({ endpoints: [plain.endpoint], tls })).toMatch(/^(transport|deadline_exceeded) /);
    expect([...secure.asked, ...plain.asked]).toEqual([]);
  });

  it("checks the name in the certificate, and can be told which to expect", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)), {
      credentials: tlsServer(),
    });
    const { endpoint } = oracle;
    expect(await outcomeOf({ endpoints: [endpoint], tls: { ...tls, serverName: "oracle.test" } })).toBe("answered");
    expect(await outcomeOf({ endpoints: [endpoint], tls: { ...tls, serverName: "other.test" } })).toBe(
      `transport ${endpoint}`,
    );
  });

  it("shows its certificate to a server that asks for one", async () => {
    await using oracle = await ScriptedOracle.start(leading(new SharedCounter(), epoch(1n)), {
      credentials: mutualServer(),
    });
    const { endpoint } = oracle;
    const own = { cert: pem("client"), key: pem("client-key").toString() };
    expect(await outcomeOf({ endpoints: [endpoint], tls: { ...tls, ...own } })).toBe("answered");
    expect(await outcomeOf({ endpoints: [endpoint], tls })).toBe(`transport ${endpoint}`);
    expect(oracle.asked).toHaveLength(1);
  });

  it("follows hints over TLS only: a plaintext server that is named is never spoken to in the clear", async () => {
    await using plain = await ScriptedOracle.start(leading(new SharedCounter(), epoch(2n)));
    await using secure = await ScriptedOracle.start(leading(new SharedCounter(), epoch(2n)), {
      credentials: tlsServer(),
    });
    await using follower = await ScriptedOracle.start(undefined, { credentials: tlsServer() });
    follower.getTs = () => notLeader({ leaderEndpoint: secure.endpoint, leaderEpoch: epoch(2n) });
    expect(await outcomeOf({ endpoints: [follower.endpoint], tls })).toBe("answered");
    follower.getTs = () => notLeader({ leaderEndpoint: plain.endpoint, leaderEpoch: epoch(2n) });
    expect(await outcomeOf({ endpoints: [follower.endpoint], tls })).not.toBe("answered");
    expect(plain.asked).toEqual([]);
  });
});
