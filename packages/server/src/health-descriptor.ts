// SPDX-License-Identifier: Apache-2.0

/**
 * `grpc/health/v1/health.proto` as an encoded `FileDescriptorSet`, compiled from the public
 * definition without comments: with it, tools that know a server by reflection can ask for health.
 * Encoded sets may be joined by writing one after the other.
 */
const HEALTH_DESCRIPTOR_BASE64 =
  "CsoDChtncnBjL2hlYWx0aC92MS9oZWFsdGgucHJvdG8SDmdycGMuaGVhbHRoLnYxIi4KEkhlYWx0aENoZWNrUmVxdWVzdBIYCgdz" +
  "ZXJ2aWNlGAEgASgJUgdzZXJ2aWNlIrEBChNIZWFsdGhDaGVja1Jlc3BvbnNlEkkKBnN0YXR1cxgBIAEoDjIxLmdycGMuaGVhbHRo" +
  "LnYxLkhlYWx0aENoZWNrUmVzcG9uc2UuU2VydmluZ1N0YXR1c1IGc3RhdHVzIk8KDVNlcnZpbmdTdGF0dXMSCwoHVU5LTk9XThAA" +
  "EgsKB1NFUlZJTkcQARIPCgtOT1RfU0VSVklORxACEhMKD1NFUlZJQ0VfVU5LTk9XThADMq4BCgZIZWFsdGgSUAoFQ2hlY2sSIi5n" +
  "cnBjLmhlYWx0aC52MS5IZWFsdGhDaGVja1JlcXVlc3QaIy5ncnBjLmhlYWx0aC52MS5IZWFsdGhDaGVja1Jlc3BvbnNlElIKBVdh" +
  "dGNoEiIuZ3JwYy5oZWFsdGgudjEuSGVhbHRoQ2hlY2tSZXF1ZXN0GiMuZ3JwYy5oZWFsdGgudjEuSGVhbHRoQ2hlY2tSZXNwb25z" +
  "ZTABYgZwcm90bzM=";

export const HEALTH_DESCRIPTOR: Uint8Array = Buffer.from(HEALTH_DESCRIPTOR_BASE64, "base64");
