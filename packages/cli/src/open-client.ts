// SPDX-License-Identifier: Apache-2.0
import { type Client, createClient } from "@tsoracle/client";
import { CliError, oneLine } from "./cli-error.ts";
import type { CallFlags, ClientFlags } from "./client-flags.ts";
import { formatDuration } from "./duration.ts";
import { endOnSignals } from "./interrupt.ts";
import { readPem, requireTogether } from "./pem.ts";

/** The files that the TLS flags name. */
export interface ClientTls {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @throws CliError `usage` naming the flag */
export function readClientTls(flags: CallFlags): ClientTls | undefined {
  const { clientTlsCa: ca, clientTlsCert: cert, clientTlsKey: key } = flags;
  requireTogether(["--client-tls-cert", cert], ["--client-tls-key", key]);
  if (cert !== undefined && ca === undefined) {
    throw new CliError(
      "usage",
      "--client-tls-cert was given without --client-tls-ca: expected the authority of the server too",
    );
  }
  if (ca === undefined) return undefined;
  const trust = { ca: readPem("--client-tls-ca", ca) };
  if (cert === undefined || key === undefined) return trust;
  return { ...trust, cert: readPem("--client-tls-cert", cert), key: readPem("--client-tls-key", key) };
}

/**
 * Runs `use` with a client and a signal that aborts after the timeout, and disposes the client.
 *
 * @throws CliError `failed` with what the client said
 */
export async function withClient(
  flags: ClientFlags,
  use: (client: Client, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const tls = readClientTls(flags);
  endOnSignals();
  const client = createClient({ endpoints: flags.endpoints, tls });
  const signal = AbortSignal.timeout(flags.timeout);
  try {
    await use(client, signal);
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (error === signal.reason) {
      throw new CliError(
        "failed",
        `no answer from ${flags.endpoints.join(", ")} within ${formatDuration(flags.timeout)}`,
      );
    }
    throw new CliError("failed", oneLine(error), { cause: error });
  } finally {
    await client[Symbol.asyncDispose]();
  }
}
