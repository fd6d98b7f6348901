// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { readSettings } from "../src/settings.ts";

describe("settings", () => {
  it("treats an empty variable as unset", () => {
    const settings = readSettings({
      TEST_POSTGRES_URL: "",
      TEST_REDIS_URLS: " ",
      SERVICES_PG_BIN: "",
      SERVICES_REQUIRE: "",
    });
    expect(settings).toMatchObject({
      postgresUrl: undefined,
      redisUrls: undefined,
      postgresBin: undefined,
      requireAll: false,
    });
  });

  it("splits lists of URLs and ignores blanks in them", () => {
    expect(readSettings({ TEST_REDIS_URLS: "redis://a:1, rediss://b:2,," }).redisUrls).toEqual([
      "redis://a:1",
      "rediss://b:2",
    ]);
  });

  it.each([
    [
      "TEST_POSTGRES_URL",
      "mysql://host/db",
      "begin with postgres:// or postgresql://, and holds a URL that begins with mysql://",
    ],
    ["TEST_REDIS_URLS", "redis://a,localhost", "TEST_REDIS_URLS must hold URLs that begin with redis:// or rediss://"],
    ["TEST_ETCD_URLS", "127.0.0.1:2379", "something that is no URL"],
    ["SERVICES_REQUIRE", "yes", 'SERVICES_REQUIRE must be "all" or unset, and is "yes"'],
  ])("refuses a wrong %s and says what was expected", (name, value, message) => {
    expect(() => readSettings({ [name]: value })).toThrow(message);
  });

  it("does not repeat a password", () => {
    expect(() => readSettings({ TEST_POSTGRES_URL: "mysql://me:hunter2@host/db" })).not.toThrow("hunter2");
  });

  it("keeps the cache where SERVICES_CACHE says, else below XDG_CACHE_HOME", () => {
    expect(readSettings({ SERVICES_CACHE: "here", XDG_CACHE_HOME: "there" }).cache).toEqual({
      path: "here",
      isExplicit: true,
    });
    expect(readSettings({ XDG_CACHE_HOME: "there" }).cache).toEqual({
      path: "there/tsoracle-test-services",
      isExplicit: false,
    });
  });
});
