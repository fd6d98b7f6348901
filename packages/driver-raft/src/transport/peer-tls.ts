// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import type { PeerCertificate } from "node:tls";
import { ChannelCredentials, experimental, ServerCredentials } from "@grpc/grpc-js";

/**
 * Certificates of the peers' own authority, which must not be that of the clients: whoever holds a
 * certificate of it is a member. Files are read again every `reloadMs`, so they can be replaced in place.
 */
export interface PeerTlsOptions {
  /** PEM files. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** 60000. */
  readonly reloadMs?: number | undefined;
}

/** The name that a node's certificate bears as a URI among its subject alternative names (X1). */
export function peerUri(clusterId: string, nodeId: number): string {
  return `raft://${clusterId}/${nodeId}`;
}

/** Undefined if the certificate names exactly that node; else what is wrong with it. */
export function certificateProblem(
  certificate: Pick<PeerCertificate, "subjectaltname"> | undefined,
  clusterId: string,
  nodeId: number,
): string | undefined {
  const expected = `URI:${peerUri(clusterId, nodeId)}`;
  const names = certificate?.subjectaltname?.split(", ") ?? [];
  if (names.includes(expected)) return undefined;
  return `expected a certificate with the subject alternative name ${expected}, got ${names.length === 0 ? "none" : names.join(", ")}`;
}

/** Credentials of both ends, from one set of files. */
export class PeerCredentials {
  readonly #provider: experimental.CertificateProvider;

  /** @throws Error when a file cannot be read, naming it. */
  constructor(tls: PeerTlsOptions) {
    for (const file of [tls.certFile, tls.keyFile, tls.caFile]) readFileSync(file);
    this.#provider = new experimental.FileWatcherCertificateProvider({
      certificateFile: tls.certFile,
      privateKeyFile: tls.keyFile,
      caCertificateFile: tls.caFile,
      refreshIntervalMs: tls.reloadMs ?? 60_000,
    });
  }

  server(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this.#provider, this.#provider, true);
  }

  /** For a channel to that node alone: the certificate must name it; host names do not matter. */
  channel(clusterId: string, nodeId: number): ChannelCredentials {
    return experimental.createCertificateProviderChannelCredentials(this.#provider, this.#provider, {
      checkServerIdentity: (_host, certificate) => {
        const problem = certificateProblem(certificate, clusterId, nodeId);
        return problem === undefined ? undefined : new Error(problem);
      },
    });
  }
}

/** Both ends without TLS. */
export const insecureCredentials: {
  server(): ServerCredentials;
  channel(): ChannelCredentials;
} = Object.freeze({
  server: () => ServerCredentials.createInsecure(),
  channel: () => ChannelCredentials.createInsecure(),
});
