// SPDX-License-Identifier: Apache-2.0

/**
 * What gRPC says of a failure, in one line and without what differs each time that it happens: points in time, durations,
 * thread ids of OpenSSL. The same trouble is then the same text, which is logged once.
 */
export function readable(details: string): string {
  return details
    .replace(/(Deadline exceeded) after .*/s, "$1")
    .replace(/ *\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, "")
    .replace(/\. Resolution note: *$/, "")
    .replace(/\b[0-9A-F]{8,16}:error:/g, "error:")
    .replace(/\s+/g, " ")
    .trim();
}
