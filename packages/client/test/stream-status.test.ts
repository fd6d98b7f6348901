// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { statusOfHeaders, statusOfResponse } from "../src/stream-status.ts";

describe("statusOfHeaders", () => {
  it("announces nothing without grpc-status", () => {
    expect(statusOfHeaders({ "grpc-message": "x" })).toBeUndefined();
  });

  it.each([
    ["0", 0],
    ["9", 9],
    ["14", 14],
    ["", 2],
    ["-1", 2],
    ["nine", 2],
    ["1e1", 2],
  ])("reads grpc-status %j as %d", (text, status) => {
    expect(statusOfHeaders({ "grpc-status": text })?.status).toBe(status);
  });

  it("decodes the message, and shows an encoding that is none as it came", () => {
    expect(statusOfHeaders({ "grpc-status": "9", "grpc-message": "not%20leader%E2%80%A6" })?.message).toBe(
      "not leader…",
    );
    expect(statusOfHeaders({ "grpc-status": "9", "grpc-message": "100%" })?.message).toBe("100%");
  });

  it("tells an absent hint, an empty one, a named leader and a malformed one apart", () => {
    const hintOf = (value: string | undefined) =>
      statusOfHeaders({
        "grpc-status": "9",
        ...(value === undefined ? {} : { "tsoracle-leader-hint-bin": value }),
      })?.hint;
    expect(hintOf(undefined)).toBeUndefined();
    expect(hintOf("")).toMatchObject({ leaderEndpoint: undefined, leaderEpoch: undefined });
    const bytes = Buffer.from("0a0e31302e302e302e373a35303535311202102a", "hex");
    for (const text of [bytes.toString("base64"), bytes.toString("base64").replace(/=+$/, "")]) {
      expect(hintOf(text)).toMatchObject({ leaderEndpoint: "10.0.0.7:50551", leaderEpoch: 42n });
    }
    expect(hintOf("!!!")).toMatchObject({ kind: "malformed" });
    expect(hintOf(Buffer.from([0x0a, 0xff]).toString("base64"))).toMatchObject({ kind: "malformed" });
  });
});

describe("statusOfResponse", () => {
  const grpc = "application/grpc";

  it("is the beginning of a stream for HTTP 200 with a gRPC content type", () => {
    for (const type of [grpc, `${grpc}+proto`, `${grpc};charset=utf-8`]) {
      expect(statusOfResponse({ ":status": 200, "content-type": type })).toBeUndefined();
    }
  });

  it("prefers gRPC's own status", () => {
    expect(statusOfResponse({ ":status": 200, "content-type": grpc, "grpc-status": "12" })?.status).toBe(12);
  });

  it.each([
    [200, "text/html", 2],
    [200, "application/grpcx", 2],
    [400, grpc, 13],
    [401, grpc, 16],
    [403, grpc, 7],
    [404, grpc, 12],
    [429, grpc, 14],
    [502, grpc, 14],
    [503, grpc, 14],
    [504, grpc, 14],
    [500, grpc, 2],
  ])("maps HTTP %d with content type %s to status %d", (http, type, status) => {
    expect(statusOfResponse({ ":status": http, "content-type": type })?.status).toBe(status);
  });
});
