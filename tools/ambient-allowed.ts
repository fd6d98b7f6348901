// SPDX-License-Identifier: Apache-2.0

/**
 * The files that may read a clock, wait on a timer or draw at random, each with its reason. Everything else
 * takes these as arguments. Nothing of core may ever stand here; of consensus, the two clocks and what injects
 * faults. Shells (server, client, command line) are named file by file. A path that ends in "/" is a folder;
 * only private programs that start, wait for and measure other processes are listed that way.
 */
export const ambientAllowed: Readonly<Record<string, string>> = {
  "packages/consensus/src/lease-clock.ts": "one of the three clocks whose largest difference is the age of a lease",
  "packages/consensus/src/system-clock.ts": "the wall clock behind the Clock port",
  "packages/consensus/src/fault-gate.ts": "gives a held call up at its limit, as a real store would",

  "packages/conformance/src/probes.ts": "bounds how long a clause waits for an event of the subject",
  "packages/conformance/src/attempt.ts": "ends a clause that hangs, which no argument of the subject could do",

  "packages/driver-file/src/driver.ts": "disposal waits for the disk, but not for ever",
  "packages/driver-file/src/pending-calls.ts": "refuses a caller when the disk stalls; the write itself goes on",

  "packages/driver-etcd/src/timers.ts": "schedules keep-alives and renewals; no timer decides validity",
  "packages/driver-etcd/src/client/deadline.ts": "gRPC wants deadlines as points in time",

  "packages/driver-postgres/src/timers.ts": "schedules renewals and gives up statements; no timer decides validity",
  "packages/driver-postgres/src/options.ts": "jitter for polls and retries, handed on as an argument",

  "packages/driver-redis/src/chance.ts": "jitter for polls, candidacies and reconnects, handed on as an argument",
  // The Raft driver.
  "packages/driver-raft/src/node/node-thread.ts":
    "the consensus thread owns its ticks; a timer only counts time for the core",
  "packages/driver-raft/src/node/pending-calls.ts":
    "refuses a caller when no majority answers; the write itself goes on",
  "packages/driver-raft/src/transport/timers.ts":
    "schedules reconnects and the wait for a Hello; no timer decides validity",

  "packages/session/src/stores/redis/chance.ts":
    "jitter for tries that collided and for reconnects, handed on as an argument",
  "packages/session/src/stores/file/work-queue.ts": "refuses a caller when the disk stalls; the write itself goes on",

  "packages/server/src/deadline.ts": "bounds how long shutdown waits",
  "packages/server/src/listener.ts": "cuts connections that do not greet in time or do not end in a drain",
  "packages/server/src/timers.ts": "the delays behind the Timers port",

  "packages/quorum/src/timers.ts": "the delays behind the Timers port",

  "packages/client/src/call-context.ts": "jitter for retries, handed to the pure plan as an argument",
  "packages/client/src/call-channel.ts": "gRPC wants deadlines as points in time",
  "packages/client/src/leader-call.ts": "pauses between attempts, for as long as the pure plan says",
  "packages/client/src/request-timestamps.ts": "gRPC wants the deadline as a point in time",
  "packages/client/src/shared-dial.ts": "a dial ends at its budget",
  "packages/client/src/stream-session.ts": "keepalive of the connection",
  "packages/client/src/timestamp-engine.ts": "pauses between attempts, for as long as the pure plan says",
  "packages/client/src/timestamp-stream.ts": "one timer for the earliest deadline of the stream",
  "packages/client/src/unary-call.ts": "gRPC wants the deadline as a point in time",

  "packages/cli/src/admin/admin-client.ts": "turns a duration into the deadline that gRPC wants as a point in time",
  "packages/cli/src/admin/find-leader.ts": "a program: asks again at intervals while a leader is elected",
  "packages/cli/src/admin/run.ts": "a program: looks again at intervals whether leadership has moved",
  "packages/cli/src/main.ts": "ends the process although a command left something open",
  "packages/cli/src/bench/run.ts": "a program: measures for as long as it was told",
  "packages/cli/src/demo/kill-loop.ts": "a program: kills the server at intervals",
  "packages/cli/src/demo/run.ts": "a program: redraws its live line",
  "packages/cli/src/load/callers.ts": "a program: pauses after a refused call",
  "packages/cli/src/status/health.ts": "turns a duration into the deadline that gRPC wants as a point in time",

  "packages/bench/": "private: measures",
  "packages/stress/": "private: lets real processes run for a while and does faults to them at times drawn from a seed",
  "packages/test-services/": "private: starts and waits for real servers, and delays their traffic",
};
