// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { readable } from "../src/client/readable.ts";

/** As grpc-js and OpenSSL wrote them, twice each. */
const pairs: readonly (readonly [string, string, string])[] = [
  [
    "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1 (2026-11-20T13:18:57.781Z). Resolution note: ",
    "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1 (2026-11-20T13:18:58.304Z). Resolution note: ",
    "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1",
  ],
  [
    "No connection established. Last error: 80FCA477567F0000:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate\n (2026-11-20T13:18:57.781Z). Resolution note: ",
    "No connection established. Last error: 80AC3F77567F0000:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate\n (2026-11-20T13:19:57.781Z). Resolution note: ",
    "No connection established. Last error: error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate",
  ],
  [
    "Deadline exceeded after 0.502s,LB pick: 0.001s,remote_addr=127.0.0.1:2379",
    "Deadline exceeded after 0.499s,LB pick: 0.002s,remote_addr=127.0.0.1:2379",
    "Deadline exceeded",
  ],
];

describe("what the log says of a failed call", () => {
  it.each(pairs)("is the same each time that it happens: %j", (first, second, line) => {
    expect(readable(first)).toBe(line);
    expect(readable(second)).toBe(line);
  });

  it("keeps what etcd says as it is", () => {
    const details = "etcdserver: mvcc: database space exceeded";
    expect(readable(details)).toBe(details);
  });
});
