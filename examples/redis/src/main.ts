// SPDX-License-Identifier: Apache-2.0

import { freePorts, startRedisNodes } from "@tsoracle/test-services";
import { playFailover, tsoracle } from "@tsoracle-example/failover";

/** One value for all servers of an oracle. Short, so that the kill costs little; with less a busy disk would end reigns. */
const TENURE = ["--tenure", "2s"];

/** Prepares an oracle on these nodes, and plays. */
async function play(nodes: string): Promise<void> {
  const oracle = `example-${process.pid}`;
  // Both commands inherit the nodes from the environment: their URLs may hold passwords.
  process.env["TSORACLE_NODES"] = nodes;
  console.log(await tsoracle(["redis", "init", "--oracle", oracle, ...TENURE]));
  const [first, second] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  if (first === undefined || second === undefined) throw new Error("there are no two free ports");
  await playFailover({ serve: ["redis", "--oracle", oracle, ...TENURE], addresses: [first, second] });
}

const given = process.env["TSORACLE_NODES"];
if (given !== undefined) await play(given);
else {
  const servers = await startRedisNodes(3);
  try {
    await play(servers.map(({ url }) => url).join(","));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
