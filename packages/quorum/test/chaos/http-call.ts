// SPDX-License-Identifier: Apache-2.0
import { type Agent, request } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** One request on loopback. Rejects when no complete answer comes, also when the signal ends it. */
export function httpCall(
  agent: Agent,
  method: "GET" | "POST" | "PUT",
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, signal, headers: { "content-length": Buffer.byteLength(body) } });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    sent.end(body);
  });
}
