// SPDX-License-Identifier: Apache-2.0

/** gRPC wants deadlines as points in time, and turns them back into durations at once. */
export function deadlineIn(ms: number): Date {
  return new Date(Date.now() + ms);
}
