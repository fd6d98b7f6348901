// SPDX-License-Identifier: Apache-2.0
// Starts servers, prints their processes and directories as one line of JSON, and waits to be killed.
// Arguments: the life line, and what to do with the servers: "run", "pause", or "exit" to end without stopping them.
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
process.stdout.write(`${JSON.stringify(report)}\n`, () => {
  if (then === "exit") process.exit(0);
});
