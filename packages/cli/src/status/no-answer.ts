// SPDX-License-Identifier: Apache-2.0
import { status } from "@grpc/grpc-js";
import { oneLine } from "../cli-error.ts";
import { formatDuration } from "../duration.ts";

/** What is seen when a server does not answer, what it means, and what to do. The first that matches counts. */
const CAUSES: readonly { readonly seen: RegExp; readonly means: (endpoint: string, seen: string) => string }[] = [
  {
    seen: /ECONNREFUSED/,
    means: (endpoint) => `nothing listens at ${endpoint}: start the server there, or correct --endpoints`,
  },
  {
    seen: /Name resolution failed|ENOTFOUND|EAI_AGAIN/,
    means: (endpoint) => `the host name of ${endpoint} is not known: correct --endpoints, or the name service`,
  },
  {
    seen: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/,
    means: (endpoint, seen) => `${endpoint} cannot be reached (${seen}): look at the network and its firewalls`,
  },
  {
    seen: /self[- ]signed certificate|unable to (?:verify|get)|certificate has expired|does not match certificate/i,
    means: (endpoint, seen) =>
      `the certificate of ${endpoint} is not accepted (${seen}): give its authority with --client-tls-ca`,
  },
  {
    // Both sides see no more than a connection that ends: TLS to plaintext, plaintext to TLS, or another protocol.
    seen: /Protocol error|ECONNRESET|EPROTO|EPIPE|socket hang up|SSL|wrong version|Connection dropped|closed|Parse Error/i,
    means: (endpoint) =>
      `what listens at ${endpoint} ends the connection: is it a tsoracle server, and does one side alone use TLS ` +
      "(--client-tls-ca)?",
  },
];

const text = (error: unknown, key: "code" | "details"): unknown =>
  typeof error === "object" && error !== null && key in error ? (error as Record<string, unknown>)[key] : undefined;

/**
 * Why an endpoint did not answer, in one line for an operator: which endpoint, what happened, what to do. The words of
 * the gRPC library tell of its own steps, which nobody can act on.
 *
 * @param error what a call of grpc-js or of the client ended with
 */
export function noAnswer(endpoint: string, timeoutMs: number, error: unknown): string {
  const code = text(error, "code");
  const said = text(error, "details");
  const details = typeof said === "string" && said !== "" ? said : oneLine(error);
  if (code === status.DEADLINE_EXCEEDED || (error instanceof Error && error.name === "TimeoutError")) {
    return (
      `${endpoint} accepts connections or swallows them, and did not answer within ${formatDuration(timeoutMs)}: ` +
      "is the process paused or overloaded, or a firewall between? A longer --timeout waits longer"
    );
  }
  if (code === status.UNIMPLEMENTED) return `${endpoint} speaks gRPC and is no tsoracle server: correct --endpoints`;
  for (const { seen, means } of CAUSES) {
    if (seen.test(details)) return means(endpoint, brief(details));
  }
  return `${endpoint} did not answer: ${brief(details)}`;
}

/** The cause that grpc-js names last, without its account of how it got there. */
function brief(details: string): string {
  const cause = /Last error: (?:Error: )?(.*?)\.? ?(?:Resolution note:.*)?$/.exec(details)?.[1] ?? details;
  return cause.trim();
}
