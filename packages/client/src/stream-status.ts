// SPDX-License-Identifier: Apache-2.0
import { decodeLeaderHint, LEADER_HINT_TRAILER, type LeaderHintReading } from "@tsoracle/proto";
import { STATUS } from "./rpc-failure.ts";

/** Headers or trailers as `node:http2` delivers them. */
export type StreamHeaders = Readonly<Record<string, string | readonly string[] | number | undefined>>;

/** How a stream ended, as far as the server or the connection said. */
export interface StreamStatus {
  readonly status: number;
  readonly message: string;
  readonly hint: LeaderHintReading | undefined;
}

const UNKNOWN_STATUS = 2;

/** What an HTTP status means where gRPC's own is missing, as the gRPC protocol maps them. */
const STATUS_OF_HTTP: Readonly<Record<number, number>> = {
  400: STATUS.INTERNAL,
  401: 16,
  403: 7,
  404: STATUS.UNIMPLEMENTED,
  429: STATUS.UNAVAILABLE,
  502: STATUS.UNAVAILABLE,
  503: STATUS.UNAVAILABLE,
  504: STATUS.UNAVAILABLE,
};

/** The end that trailers, or headers in their place, announce; undefined when they announce none. */
export function statusOfHeaders(headers: StreamHeaders): StreamStatus | undefined {
  const text = headers["grpc-status"];
  if (typeof text !== "string") return undefined;
  const status = /^[0-9]{1,3}$/.test(text) ? Number(text) : UNKNOWN_STATUS;
  const encoded = headers["grpc-message"];
  return { status, message: typeof encoded === "string" ? percentDecode(encoded) : "", hint: readHint(headers) };
}

/** The end that a refusing response means, or undefined for the beginning of a gRPC stream. */
export function statusOfResponse(headers: StreamHeaders): StreamStatus | undefined {
  const announced = statusOfHeaders(headers);
  if (announced !== undefined) return announced;
  const http = Number(headers[":status"]);
  const type = String(headers["content-type"] ?? "");
  if (http === 200 && /^application\/grpc(?:$|[+;])/.test(type)) return undefined;
  return {
    status: STATUS_OF_HTTP[http] ?? UNKNOWN_STATUS,
    message: `expected a gRPC stream, the server answered HTTP ${http} with content type ${JSON.stringify(type)}`,
    hint: undefined,
  };
}

/** gRPC percent-encodes what is not printable ASCII; an encoding that is none is shown as it came. */
function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Binary metadata travels as base64 with or without padding; zero bytes are a hint that says nothing. */
function readHint(headers: StreamHeaders): LeaderHintReading | undefined {
  const value = headers[LEADER_HINT_TRAILER];
  if (value === undefined) return undefined;
  const first = String(value).split(",")[0]?.trim() ?? "";
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(first)) return { kind: "malformed", reason: "the trailer is not base64" };
  return decodeLeaderHint(Buffer.from(first, "base64"));
}
