// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { classify } from "../src/classify.ts";
import type { FailureKind } from "../src/node-outcome.ts";
import { readPersist, readPrepare, readStatus } from "../src/replies.ts";

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError" });
}

function system(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:6379`), { code });
}

const table: readonly (readonly [error: Error, why: FailureKind, mayHaveRun: boolean])[] = [
  [reply("LOADING Redis is loading the dataset in memory"), "unavailable", false],
  [
    reply("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."),
    "unavailable",
    false,
  ],
  [reply("TRYAGAIN Multiple keys request during rehashing of slot"), "unavailable", false],
  [reply("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), "unavailable", false],
  [reply("ERR max number of clients reached"), "unavailable", false],
  [reply("DENIED Redis is running in protected mode because protected mode is enabled"), "configuration", false],
  [reply("CLUSTERDOWN Hash slot not served"), "unavailable", false],
  [new Error("Command timed out"), "unavailable", true],
  [new Error("Stream isn't writeable and enableOfflineQueue options is false"), "unavailable", false],
  [new Error("Connection is closed."), "unavailable", true],
  [
    Object.assign(new Error("Reached the max retries per request limit (which is 0)."), {
      name: "MaxRetriesPerRequestError",
    }),
    "unavailable",
    true,
  ],
  [system("ECONNREFUSED"), "unavailable", false],
  [system("ENOTFOUND"), "unavailable", false],
  [system("ECONNRESET"), "unavailable", true],
  [system("ETIMEDOUT"), "unavailable", true],
  [system("EPIPE"), "unavailable", true],
  [reply("OOM command not allowed when used memory > 'maxmemory'."), "refusing", false],
  [reply("ERR Error running script (call to f_1): @user_script:9: -OOM command not allowed"), "refusing", false],
  [reply("MISCONF Errors writing to the AOF file: No space left on device"), "refusing", false],
  [reply("READONLY You can't write against a read only replica."), "refusing", false],
  [reply("NOREPLICAS Not enough good replicas to write."), "refusing", false],
  [reply("ERR something that no release says today"), "refusing", true],
  [reply("NOAUTH Authentication required."), "configuration", false],
  [reply("WRONGPASS invalid username-password pair or user is disabled."), "configuration", false],
  [reply("NOPERM User tso has no permissions to run the 'evalsha' command"), "configuration", false],
  [reply("ERR The user executing the script can't run this command or subcommand"), "configuration", false],
  [reply("ERR AUTH <password> called without any password configured for the default user."), "configuration", false],
  [reply("ERR unknown command 'EVALSHA', with args beginning with: "), "configuration", false],
  [system("DEPTH_ZERO_SELF_SIGNED_CERT self-signed certificate"), "configuration", false],
  [
    new Error("write EPROTO 80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number"),
    "configuration",
    false,
  ],
  [reply("MOVED 3999 127.0.0.1:6381"), "topology", false],
  [reply("ASK 3999 127.0.0.1:6381"), "topology", false],
  [reply("CROSSSLOT Keys in request don't hash to the same slot"), "topology", false],
];

describe("classify", () => {
  it.each(table)("%s is %s, may have run: %s", (error, why, mayHaveRun) => {
    expect(classify(error)).toMatchObject({ kind: "failed", why, mayHaveRun });
  });

  it("says what the server said and what to do", () => {
    expect(classify(reply("MISCONF Errors writing to the AOF file")).message).toMatch(/MISCONF.*its disk/);
    expect(classify(reply("NOAUTH Authentication required.")).message).toMatch(/NOAUTH.*ACL/);
  });
});

describe("replies", () => {
  it.each(["EMPTY", "VERSION", "ALIEN", "RESTARTED"])("%s is amnesia, whatever was asked", (word) => {
    for (const read of [readStatus, readPrepare, readPersist]) {
      expect(read([word, "x", "y"])).toMatchObject({ kind: "failed", why: "amnesia" });
    }
  });

  it.each([
    null,
    "OK",
    [],
    ["OK"],
    ["OK", "x".repeat(32), "5", "1", "0", "1000", "h:1", "a", "0".repeat(32)],
    ["OK", "0".repeat(32), "70368744177664", "1", "0", "1000", "h:1", "a", "0".repeat(32)],
    ["OK", "0".repeat(32), "5", "-1", "0", "1000", "h:1", "a", "0".repeat(32)],
  ])("%j is no vote", (reply) => {
    expect(readStatus(reply)).toMatchObject({ kind: "failed" });
  });

  it("does not take a high-water that is none for a vote", () => {
    expect(readPersist(["OK", "1e99"])).toMatchObject({ kind: "failed" });
    expect(readPersist(["OK"])).toMatchObject({ kind: "failed" });
    expect(readPersist(["OK", "7"])).toEqual({ kind: "ok", highWater: 7 });
  });
});
