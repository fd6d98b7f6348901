// SPDX-License-Identifier: Apache-2.0
import type { TlsOptions as NodeTlsOptions } from "node:tls";

/** Certificates in PEM. With `clientCa`, only clients that show a certificate of that authority are let in. */
export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  readonly clientCa?: string | Uint8Array | undefined;
}

/** The TLS settings of a port; HTTP/2 only, and client certificates required where an authority is given. */
export function tlsSettings(tls: TlsOptions): NodeTlsOptions {
  const pem = (value: string | Uint8Array): string | Buffer => (typeof value === "string" ? value : Buffer.from(value));
  return {
    cert: pem(tls.cert),
    key: pem(tls.key),
    ...(tls.clientCa === undefined ? {} : { ca: pem(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
  };
}
