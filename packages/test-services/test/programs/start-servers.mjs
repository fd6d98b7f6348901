// SPDX-License-Identifier: Apache-2.0
// Starts servers, prints their processes and directories as one line of JSON, and waits to be killed.
// Arguments: the life line, and what to do with the servers: "run", "pause", or "exit" to end without stopping them.
import { startPostgres, startRedisNodes } from "@tsoracle/test-services";

const [lifeline, then] = process.argv.slice(2);
const [postgres, redis] = await Promise.all([startPostgres({ lifeline }), startRedisNodes(2, () => ({ lifeline }))]);
const servers = [postgres, ...redis];
const open = await postgres.createDatabase();
if (then === "pause") await Promise.all(servers.map((server) => server.pause()));
const report = {
  pids: servers.flatMap((server) => server.pids()),
  directories: servers.map((server) => server.dataDirectory),
  database: open.name,
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => {
  if (then === "exit") process.exit(0);
});
