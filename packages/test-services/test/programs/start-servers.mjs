// SPDX-License-Identifier: Apache-2.0
// Starts servers, prints their processes and directories as one line of JSON, and waits to be killed.
// Arguments: the life line, and what to do with the servers: "run", "pause", "exit" to end without stopping them, or
// "die-pausing" to be killed at the moment when a first child of Postgres was stopped.
import { hasEtcd, startEtcd, startPostgres, startRedisNodes } from "@tsoracle/test-services";

const [lifeline, then] = process.argv.slice(2);
const [postgres, redis, etcd] = await Promise.all([
  startPostgres({ lifeline }),
  startRedisNodes(2, () => ({ lifeline })),
  (await hasEtcd()) ? startEtcd(1, { lifeline }) : [],
]);
const servers = [postgres, ...redis, ...etcd];
const open = await postgres.createDatabase();
if (then === "pause") await Promise.all(servers.map((server) => server.pause()));
const report = {
  pids: servers.flatMap((server) => server.pids()),
  directories: [postgres, ...redis].map((server) => server.dataDirectory),
  database: open.name,
};
process.stdout.write(`${JSON.stringify(report)}\n`, async () => {
  if (then === "exit") process.exit(0);
  if (then !== "die-pausing") return;
  const kill = process.kill.bind(process);
  let stops = 0;
  process.kill = (pid, signal) => {
    kill(pid, signal);
    if (signal === "SIGSTOP") stops += 1;
    if (stops === 2) kill(process.pid, "SIGKILL");
    return true;
  };
  await postgres.pause();
});
