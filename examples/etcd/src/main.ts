// SPDX-License-Identifier: Apache-2.0

import { freePorts, startEtcd } from "@tsoracle/test-services";
import { playFailover, tsoracle } from "@tsoracle-example/failover";

/** One value for all servers of an oracle. Short, so that the kill costs little; with less a busy disk would end reigns. */
const TENURE = ["--tenure", "2s"];

/** Prepares an oracle on these members, and plays. */
async function play(endpoints: string): Promise<void> {
  const prefix = `/examples/${process.pid}/`;
  const where = ["--endpoints", endpoints, "--prefix", prefix, ...TENURE];
  console.log(await tsoracle(["etcd", "init", ...where]));
  const [first, second] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  if (first === undefined || second === undefined) throw new Error("there are no two free ports");
  await playFailover({ serve: ["etcd", ...where], addresses: [first, second] });
}

const given = process.env["TSORACLE_ENDPOINTS"];
if (given !== undefined) await play(given);
else {
  const members = await startEtcd(3);
  try {
    await play(members.map(({ url }) => url).join(","));
  } finally {
    await Promise.all(members.map((member) => member.stop()));
  }
}
