// SPDX-License-Identifier: Apache-2.0

import { freePorts, startPostgres } from "@tsoracle/test-services";
import { playFailover, tsoracle } from "@tsoracle-example/failover";

/** One value for all servers of an oracle. Short, so that the kill costs little; with less a busy disk would end reigns. */
const TENURE = ["--tenure", "2s"];

/** Prepares an oracle in this database as its owner, and plays. The servers connect as the owner too, for brevity. */
async function play(url: string): Promise<void> {
  const role = decodeURIComponent(new URL(url).username);
  const oracle = `example-${process.pid}`;
  // Both commands inherit the address from the environment: it may hold a password.
  process.env["TSORACLE_URL"] = url;
  console.log(await tsoracle(["postgres", "init", "--oracle", oracle, "--role", role, ...TENURE]));
  const [first, second] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  if (first === undefined || second === undefined) throw new Error("there are no two free ports");
  await playFailover({ serve: ["postgres", "--oracle", oracle, ...TENURE], addresses: [first, second] });
}

const given = process.env["TSORACLE_URL"];
if (given !== undefined) await play(given);
else {
  await using postgres = await startPostgres();
  await play(postgres.url);
}
