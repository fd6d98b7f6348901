// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { ConsensusError } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { checkOptions, type PostgresDriverOptions, sessionSettings } from "../src/options.ts";
import { oracleIdentity } from "../src/oracle-name.ts";
import { schemaSql } from "../src/schema.ts";
import { parseTargets } from "../src/target.ts";

const good: PostgresDriverOptions = {
  url: "postgres://app:secret@db.example:5433/tso",
  oracle: "main",
  advertise: "10.0.0.1:50551",
};

function refusalOf(options: object): string {
  try {
    checkOptions({ ...good, ...options } as PostgresDriverOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConsensusError);
    expect((error as ConsensusError).code).toBe("permanent");
    return (error as ConsensusError).message;
  }
  throw new Error("the options were accepted");
}

describe("options", () => {
  it.each([
    [{ url: "mysql://a@b/c" }, /url as postgres:.*mysql:/],
    [{ url: "not a url" }, /it is no URL/],
    [{ url: [] }, /a list of them, got none/],
    [{ url: "postgres://db.example/tso" }, /names no user/],
    [{ url: "postgres://app@db.example" }, /names no database/],
    [{ url: "postgres://app@db.example/tso?sslmode=require" }, /sslmode is "require"; use verify-full/],
    [{ url: "postgres://app@db.example/tso?options=-c" }, /parameter "options"/],
    [{ url: "postgres://app@db.example/tso?sslmode=disable", tls: true }, /take one away/],
    [{ tls: { cert: "x" } }, /tls.cert and tls.key together/],
    [{ oracle: "" }, /oracle name of 1 to 128/],
    [{ oracle: 'x"; DROP TABLE' }, /oracle name of 1 to 128/],
    [{ oracle: "ümlaut" }, /oracle name of 1 to 128/],
    [{ advertise: "http://10.0.0.1:1" }, /advertise as host:port/],
    [{ advertise: "10.0.0.1" }, /advertise as host:port/],
    [{ advertise: "a\nb:1" }, /advertise as host:port/],
    [{ advertise: `${"a".repeat(254)}:1` }, /at most 255 characters/],
    [{ schema: "Tso" }, /schema as a lower-case letter/],
    [{ schema: 'a"b' }, /schema as a lower-case letter/],
    [{ freshness: "none" }, /freshness to be lease or confirm/],
    [{ durability: "asynchronous" }, /durability to be fsync or replicated/],
    [{ onTimelineChange: "clock" }, /onTimelineChange to be refuse or accept/],
    [{ tenureMs: 999 }, /at least 1000, got 999/],
    [{ drift: 1 }, /clock drift above 0 and below 1/],
    [{ opTimeoutMs: 149 }, /opTimeoutMs as a whole number from 150 to 1500, got 149/],
    [{ opTimeoutMs: 1_501 }, /got 1501/],
    [{ seqKeyCap: -1 }, /seqKeyCap/],
  ])("%j are refused", (options, message) => {
    expect(refusalOf(options)).toMatch(message);
  });

  it("never repeat a password in a refusal", () => {
    expect(refusalOf({ url: "postgres://app:secret@db.example/tso?sslmode=require" })).not.toContain("secret");
    expect(refusalOf({ url: "postgres://app:secret@/tso" })).not.toContain("secret");
  });

  it("have the documented defaults", () => {
    const config = checkOptions(good);
    expect(config.terms).toEqual({ tenureMs: 3_000, drift: 0.1 });
    expect(config.opTimeoutMs).toBe(500);
    expect(config).toMatchObject({
      freshness: "lease",
      durability: "fsync",
      onTimelineChange: "refuse",
      seqKeyCap: 10_000,
    });
    expect(sessionSettings(config)).toMatchObject({
      synchronous_commit: "on",
      idle_session_timeout: "3000",
      statement_timeout: "450",
      lock_timeout: "400",
    });
  });
});

describe("targets", () => {
  it("are read from one URL or several", () => {
    const urls = ["postgresql://app@a/tso", "postgres://app@[::1]:6000/t%20so?sslmode=verify-full"];
    expect(parseTargets({ url: urls, password: "p" })).toMatchObject([
      { host: "a", port: 5_432, database: "tso", user: "app", password: "p", ssl: false },
      { host: "::1", port: 6_000, database: "t so", ssl: { rejectUnauthorized: true } },
    ]);
  });

  it("take a password that is given beside the URL, whatever the URL says", () => {
    expect(parseTargets(good)).toMatchObject([{ password: "secret" }]);
    expect(parseTargets({ ...good, password: "rotated" })).toMatchObject([{ password: "rotated" }]);
  });

  it("verify the server whenever TLS is used", () => {
    const [target] = parseTargets({ ...good, tls: { ca: "pem" } });
    expect(target?.ssl).toEqual({ rejectUnauthorized: true, ca: "pem", servername: "db.example" });
  });
});

describe("the schema as text", () => {
  it("names schema and role, and takes nothing that would need quoting", () => {
    expect(schemaSql("tso", "tsoapp")).toContain('GRANT USAGE ON SCHEMA "tso" TO "tsoapp"');
    expect(() => schemaSql('a"; DROP', "tsoapp")).toThrow(/expected schema/);
    expect(() => schemaSql("tso", 'a"; DROP')).toThrow(/expected role/);
  });
});

describe("what follows from the name", () => {
  it("is the lock key of the reference, as a signed integer", () => {
    const digest = createHash("sha256").update("tso-oracle/pg/v1\0main").digest();
    expect(oracleIdentity("main").lockKey).toBe(digest.readBigInt64BE(0).toString());
    expect(oracleIdentity("main").channel).toBe(`tso_${digest.subarray(0, 8).toString("hex")}`);
  });

  it("differs between oracles, and an application name fits what the server keeps", () => {
    expect(oracleIdentity("a").lockKey).not.toBe(oracleIdentity("b").lockKey);
    expect(oracleIdentity("x".repeat(128)).applicationName).toHaveLength(63);
  });
});
