// SPDX-License-Identifier: Apache-2.0
import { homedir } from "node:os";
import { join } from "node:path";

/** What the environment says about services. Empty variables count as unset. */
export interface Settings {
  readonly postgresUrl: string | undefined;
  readonly redisUrls: readonly string[] | undefined;
  readonly etcdUrls: readonly string[] | undefined;
  readonly postgresBin: string | undefined;
  readonly redisBin: string | undefined;
  readonly mayUseApt: boolean;
  readonly requireAll: boolean;
  /** Where unpacked binaries are kept; `isExplicit` when the user named the place. */
  readonly cache: { readonly path: string; readonly isExplicit: boolean };
  readonly path: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables of the README.
 *
 * @throws Error that names the variable, what was expected and what came, for an address with a wrong scheme
 */
export function readSettings(env: Environment = process.env): Settings {
  const value = (name: string): string | undefined => {
    const text = env[name]?.trim();
    return text === "" ? undefined : text;
  };
  const explicitCache = value("SERVICES_CACHE");
  const required = value("SERVICES_REQUIRE");
  if (required !== undefined && required !== "all") {
    throw new Error(`SERVICES_REQUIRE must be "all" or unset, and is "${required}"`);
  }
  const postgresUrl = value("TEST_POSTGRES_URL");
  return {
    postgresUrl:
      postgresUrl === undefined ? undefined : checkUrl("TEST_POSTGRES_URL", postgresUrl, ["postgres:", "postgresql:"]),
    redisUrls: urlList("TEST_REDIS_URLS", value("TEST_REDIS_URLS"), ["redis:", "rediss:"]),
    etcdUrls: urlList("TEST_ETCD_URLS", value("TEST_ETCD_URLS"), ["http:", "https:"]),
    postgresBin: value("SERVICES_PG_BIN"),
    redisBin: value("SERVICES_REDIS_BIN"),
    mayUseApt: value("SERVICES_NO_APT") !== "1",
    requireAll: required === "all",
    cache: {
      path: explicitCache ?? join(value("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "tsoracle-test-services"),
      isExplicit: explicitCache !== undefined,
    },
    path: env["PATH"],
  };
}

function urlList(name: string, text: string | undefined, schemes: readonly string[]): readonly string[] | undefined {
  return text
    ?.split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "")
    .map((url) => checkUrl(name, url, schemes));
}

function checkUrl(name: string, text: string, schemes: readonly string[]): string {
  let scheme: string;
  try {
    scheme = new URL(text).protocol;
  } catch {
    scheme = "";
  }
  if (schemes.includes(scheme)) return text;
  // The text may hold a password, so the message says only how it begins.
  const shown = scheme === "" ? "something that is no URL" : `a URL that begins with ${scheme}//`;
  throw new Error(`${name} must hold URLs that begin with ${schemes.join("// or ")}//, and holds ${shown}`);
}
