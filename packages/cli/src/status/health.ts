// SPDX-License-Identifier: Apache-2.0
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientTls } from "../open-client.ts";

/** The answers of `grpc.health.v1`, by number. */
const ANSWERS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
export type Health = (typeof ANSWERS)[number];

export interface HealthQuestion {
  /** HOST:PORT. After `https://`, or with certificates, TLS is spoken. */
  readonly endpoint: string;
  readonly tls: ClientTls | undefined;
  readonly deadlineMs: number;
}

/** `HealthCheckResponse { ServingStatus status = 1 }`; zero is left out on the wire. */
function readAnswer(bytes: Buffer): Health {
  return ANSWERS[bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0] ?? "UNKNOWN";
}

/**
 * Asks the server itself whether it is leader and fenced in. The empty service name stands for the
 * whole server, so the request has no bytes.
 *
 * @throws ServiceError of grpc-js when there is no answer
 */
export async function askHealth(question: HealthQuestion): Promise<Health> {
  const { endpoint, tls } = question;
  const secure = endpoint.startsWith("https://") || (tls !== undefined && !endpoint.startsWith("http://"));
  const channel = new Client(
    endpoint.replace(/^https?:\/\//, ""),
    secure ? credentials.createSsl(tls?.ca, tls?.key, tls?.cert) : credentials.createInsecure(),
  );
  try {
    return await new Promise<Health>((resolve, reject) => {
      channel.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        (request: Buffer) => request,
        readAnswer,
        Buffer.alloc(0),
        { deadline: Date.now() + question.deadlineMs },
        (error, answer) => (error === null ? resolve(answer ?? "UNKNOWN") : reject(error)),
      );
    });
  } finally {
    channel.close();
  }
}
