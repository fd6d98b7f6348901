// SPDX-License-Identifier: Apache-2.0
// Writes the table of docs/choosing-a-driver.md from what the drivers declare of themselves; with --check it writes
// nothing and exits 1 if the table is not what it would write.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DriverCapabilities } from "@tsoracle/consensus";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { etcdCapabilities, etcdCapabilitiesOf } from "@tsoracle/driver-etcd";
import { fileCapabilities } from "@tsoracle/driver-file";
import { postgresCapabilities, postgresCapabilitiesOf } from "@tsoracle/driver-postgres";
import { RAFT_CAPABILITIES, raftCapabilitiesOf } from "@tsoracle/driver-raft";
import { redisCapabilities, redisCapabilitiesOf } from "@tsoracle/driver-redis";
import { quorumCapabilities } from "@tsoracle/quorum/driver";
import { workspaceRoot } from "./run-command.ts";

const PAGE = join(workspaceRoot, "docs/choosing-a-driver.md");
const BEGIN = "<!-- capabilities: written by tools/capability-table.ts -->";
const END = "<!-- end of capabilities -->";

/** As somebody configures it, and what the driver then declares. */
const rows: readonly (readonly [string, DriverCapabilities])[] = [
  ["`file`", fileCapabilities],
  ["`memory`, in one process", openMemoryDriver().capabilities],
  ["`postgres`", postgresCapabilities],
  ["`postgres --durability replicated`", postgresCapabilitiesOf("replicated", "lease")],
  ["`postgres --freshness confirm`", postgresCapabilitiesOf("fsync", "confirm")],
  ["`redis`", redisCapabilities],
  ["`redis --freshness confirm`", redisCapabilitiesOf("replicated", "confirm")],
  ["`redis --accept-data-loss`", redisCapabilitiesOf("asynchronous", "lease")],
  ["`etcd`", etcdCapabilities],
  ["`etcd --freshness confirm`", etcdCapabilitiesOf("confirm")],
  ["`raft`", RAFT_CAPABILITIES],
  ["`raft --freshness lease`", raftCapabilitiesOf("lease")],
  ["quorum of three `postgres`, embedded", threeOf(postgresCapabilities)],
  ["quorum of three `file`, embedded", threeOf(fileCapabilities)],
];

/** Three of the same, as one. */
function threeOf(member: DriverCapabilities): DriverCapabilities {
  return quorumCapabilities([member, member, member]);
}

const DURABILITY: Readonly<Record<DriverCapabilities["durability"], string>> = {
  fsync: "on one disk, fsync",
  replicated: "on more than one machine",
  asynchronous: "**no**",
};
const TOPOLOGY: Readonly<Record<DriverCapabilities["topology"], string>> = {
  single: "one",
  cluster: "several, fails over",
};
const ORDER: Readonly<Record<DriverCapabilities["realTimeOrder"], string>> = {
  exclusive: "yes, only one can be open",
  lease: "yes, by tenure",
  confirm: "yes, asks the store for each answer",
  none: "**no**",
};
const yesNo = (has: boolean): string => (has ? "yes" : "no");

function renderTable(): string {
  const lines = rows.map(([name, of]) => {
    const cells = [DURABILITY[of.durability], TOPOLOGY[of.topology], ORDER[of.realTimeOrder]];
    return `| ${[name, ...cells, yesNo(of.sequences), yesNo(of.leases)].join(" | ")} |`;
  });
  const head = "| driver | acknowledged writes are | servers | real-time order | sequences | leases |";
  return [BEGIN, "", head, "| --- | --- | --- | --- | --- | --- |", ...lines, "", END].join("\n");
}

const page = await readFile(PAGE, "utf8");
const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
if (from < 0 || to < from) throw new Error(`docs/choosing-a-driver.md: expected the lines ${BEGIN} and ${END}`);
const wanted = page.slice(0, from) + renderTable() + page.slice(to + END.length);
if (!process.argv.includes("--check")) await writeFile(PAGE, wanted);
else if (wanted !== page) {
  console.error("the table of docs/choosing-a-driver.md is not what the drivers declare");
  process.exitCode = 1;
}
