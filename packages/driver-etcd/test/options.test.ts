// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { ConsensusError } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { OracleKeys } from "../src/keys.ts";
import { checkDriverOptions, type EtcdDriverOptions } from "../src/options.ts";
import {
  advertisedBy,
  decodeHighWater,
  decodeReign,
  decodeSettings,
  encodeHighWater,
  encodeIdentity,
  encodeSettings,
} from "../src/records.ts";

const usable: EtcdDriverOptions = { endpoints: ["a:2379", "b:2379"], advertise: "10.0.0.1:50551" };
const utf8 = new TextEncoder();
const pem = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

function refusal(change: object): string {
  try {
    checkDriverOptions({ ...usable, ...change } as EtcdDriverOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConsensusError);
    expect((error as ConsensusError).code).toBe("permanent");
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

describe("options of the etcd driver", () => {
  it("have defaults from the tenure", () => {
    const config = checkDriverOptions(usable);
    expect(config).toMatchObject({ freshness: "lease", opTimeoutMs: 500, ttlSeconds: 3n, seqKeyCap: 10_000 });
    expect(config.keys.prefix).toBe("/tsoracle/main/");
    expect(config.client.endpoints).toEqual([
      { address: "a:2379", secure: false },
      { address: "b:2379", secure: false },
    ]);
    expect(checkDriverOptions({ ...usable, tenure: { tenureMs: 1_001, drift: 0.1 } }).ttlSeconds).toBe(2n);
  });

  it.each([
    [{ endpoints: [] }, /list of members/],
    [{ endpoints: ["a:1", "http://a:1"] }, /named twice/],
    [{ endpoints: ["http://a:1", "https://b:1"] }, /same scheme/],
    [{ endpoints: ["redis://a:1"] }, /endpoint 1/],
    [{ endpoints: ["http://u:secret@a:1"] }, /username and password/],
    [{ endpoints: ["http://a:1/x"] }, /nothing after the port/],
    [{ endpoints: ["http://a:1"], tls: {} }, /https/],
    [{ tls: { cert: "x" } }, /cert and key together/],
    [{ tls: { cert: "x", key: "y" } }, /a certificate and its own key, in PEM/],
    [{ tls: { cert: pem("client.crt"), key: pem("server.key") } }, /its own key.*mismatch/],
    [{ tls: { ca: "x" } }, /ca as certificates in PEM/],
    [{ nodeId: "" }, /nodeId/],
    [{ nodeId: "n".repeat(256) }, /nodeId/],
    [{ prefix: "/a/" }, /\/namespace\/group\//],
    [{ prefix: "/a/b/c/" }, /\/namespace\/group\//],
    [{ prefix: "a/b" }, /\/namespace\/group\//],
    [{ advertise: "http://a:1" }, /advertise/],
    [{ advertise: "a:1\n" }, /advertise/],
    [{ username: "u" }, /together/],
    [{ clusterId: "xyz" }, /expected clusterId as up to 16 hexadecimal digits, got "xyz"/],
    [{ freshness: "none" }, /lease or confirm/],
    [{ tenure: { tenureMs: 999, drift: 0.1 } }, /at least 1000/],
    [{ opTimeoutMs: 1_501 }, /opTimeoutMs/],
    [{ seqKeyCap: -1 }, /seqKeyCap/],
  ])("refuse %j", (change, message) => {
    const text = refusal(change);
    expect(text).toMatch(message);
    expect(text).not.toContain("secret");
  });

  it("take https for members without a scheme when TLS is given", () => {
    const { endpoints } = checkDriverOptions({ ...usable, tls: {} }).client;
    expect(endpoints.every(({ secure }) => secure)).toBe(true);
  });
});

describe("the keys of an oracle", () => {
  it("lie below its prefix, candidates in a range that holds nothing else", () => {
    const keys = new OracleKeys("/a/b");
    const text = (key: Uint8Array): string => Buffer.from(key).toString();
    expect(keys.prefix).toBe("/a/b/");
    expect(text(keys.candidate(255n))).toBe("/a/b/e/ff");
    const inRange = (key: Uint8Array): boolean =>
      Buffer.compare(key, keys.candidates.from) >= 0 && Buffer.compare(key, keys.candidates.to) < 0;
    expect(inRange(keys.candidate(1n))).toBe(true);
    const others = [keys.highWater, keys.settings, keys.reign, keys.leases, keys.sequences, keys.scratch];
    expect([...others, keys.sequence("e/1" as never)].filter(inRange)).toEqual([]);
  });
});

describe("what is stored", () => {
  it("comes back as it was written", () => {
    expect(decodeHighWater(encodeHighWater(2 ** 46 - 1, 2n ** 63n - 1n))).toEqual({
      highWater: 2 ** 46 - 1,
      epoch: 2n ** 63n - 1n,
    });
    const settings = {
      freshness: "confirm",
      terms: { tenureMs: 1_500, drift: 0.15 },
      clusterId: 2n ** 64n - 1n,
    } as const;
    expect(decodeSettings(encodeSettings(settings))).toEqual(settings);
  });

  it.each([
    ["a short register", () => decodeHighWater(new Uint8Array(15))],
    ["a high-water of 47 bits", () => decodeHighWater(encodeHighWater(2 ** 46, 1n))],
    ["a reign without its epoch", () => decodeReign(utf8.encode('{"clean":true,"advertise":""}'))],
    [
      "a reign that says clean in another way",
      () => decodeReign(utf8.encode('{"epoch":"1","clean":1,"advertise":""}')),
    ],
    ["settings of a later format", () => decodeSettings(utf8.encode('{"format":2}'))],
    ["no JSON", () => decodeReign(utf8.encode("{"))],
  ])("is refused as somebody else's: %s", (_, read) => {
    expect(read).toThrow(/not what this driver writes/);
  });

  it("names no leader that clients could not reach", () => {
    const of = (advertise: string): unknown =>
      advertisedBy(encodeIdentity({ nodeId: "n", incarnation: "i", advertise }));
    expect(of("10.0.0.1:50551")).toBe("10.0.0.1:50551");
    for (const bad of ["", "a", "http://a:1", "a:1\r\nx: y", `${"a".repeat(255)}:1`]) expect(of(bad)).toBeUndefined();
    expect(advertisedBy(utf8.encode("7"))).toBeUndefined();
  });
});
