// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { CliError, oneLine } from "../cli-error.ts";
import { readPem } from "../pem.ts";

/** Certificate, key and authority, each as its path and its content. */
export interface TlsTriple {
  readonly cert: PemFile;
  readonly key: PemFile;
  readonly ca: PemFile;
}

interface PemFile {
  readonly path: string;
  readonly content: Buffer;
}

/** The paths that `--NAME-tls-cert`, `-key` and `-ca` hold. */
export interface TriplePaths {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
}

/**
 * All three files or none: a port for peers or operators without an authority would let anybody in.
 *
 * @param name - what the flags begin with, such as `--peer-tls`
 * @throws CliError `usage` naming the flag
 */
export function readTriple(name: string, paths: TriplePaths): TlsTriple | undefined {
  const { cert, key, ca } = paths;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    const missing = (["cert", "key", "ca"] as const).filter((part) => paths[part] === undefined);
    const list = missing.map((part) => `${name}-${part}`).join(" and ");
    throw new CliError("usage", `${list} missing: expected ${name}-cert, ${name}-key and ${name}-ca together or none`);
  }
  const triple = {
    cert: { path: cert, content: readPem(`${name}-cert`, cert) },
    key: { path: key, content: readPem(`${name}-key`, key) },
    ca: { path: ca, content: readPem(`${name}-ca`, ca) },
  };
  try {
    createSecureContext({ cert: triple.cert.content, key: triple.key.content, ca: triple.ca.content });
  } catch (error) {
    throw new CliError("usage", `${name}-cert, -key and -ca: expected files that fit together: ${oneLine(error)}`);
  }
  return triple;
}

/**
 * Whoever has a certificate of the peers' authority is a member, so it must be nobody else's.
 *
 * @throws CliError `usage`
 */
export function refuseSharedAuthority(
  peer: TlsTriple | undefined,
  other: { readonly flag: string; readonly file: PemFile | undefined },
): void {
  if (peer === undefined || other.file === undefined) return;
  const same =
    realpathSync(peer.ca.path) === realpathSync(other.file.path) || peer.ca.content.equals(other.file.content);
  if (!same) return;
  throw new CliError(
    "usage",
    `${other.flag} is the authority of --peer-tls-ca: expected another one, because whoever has a certificate of the ` +
      "peers' authority can take part as a member",
  );
}
