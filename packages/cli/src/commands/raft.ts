// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP } from "@tsoracle/core";
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { filePath, fraction, listenAddress, namePattern, option, wholeNumber } from "../options.ts";
import type { FormatFlags } from "../raft/format.ts";
import { firstMembers, memberId, peerMap } from "../raft/members.ts";
import type { ServeRaftFlags } from "../raft/serve.ts";
import { addJsonFlag } from "../store/flags.ts";
import { addServeFlags } from "./serve-flags.ts";
import { advertiseFlag } from "./serve-store.ts";

function directoryFlag(command: Command): Command {
  return command.addOption(
    option("--raft-dir <directory>", "where the node keeps its log, on a local disk")
      .argParser(filePath)
      .makeOptionMandatory(),
  );
}

export function raftServeCommand(): Command {
  const summary = "serve from a cluster of these servers, without a database: survives the loss of a minority";
  const command = directoryFlag(new Command("raft"))
    .summary(summary)
    .description(`${summary}. Prepare each node's directory with 'raft format'`)
    .addOption(
      option("--id <number>", "which member this is; its directory must be formatted for it")
        .argParser(memberId)
        .makeOptionMandatory(),
    );
  return addTimingFlags(addAdminFlags(addPeerFlags(addServeFlags(advertiseFlag(command)))))
    .action(async (flags: ServeRaftFlags) => {
      const { serveRaft } = await import("../raft/serve.ts");
      await serveRaft(flags);
    })
    .addHelpText(
      "after",
      "\nClients are told the addresses in the list of members; --advertise is only checked against it." +
        "\n--heartbeat-ms, --election-ms, --drift and --freshness must be the same on all members. SIGTERM to the leader hands over at once." +
        "\n\nExamples:\n  tsoracle serve raft --id 1 --raft-dir /var/lib/tsoracle --listen 127.0.0.1:50551\n  tsoracle serve raft --id 4 --raft-dir raft-4 --peers 1=10.0.0.1:51001,2=10.0.0.2:51001 --peer-listen 10.0.0.4:51001 --peer-tls-cert c.pem --peer-tls-key k.pem --peer-tls-ca peers.pem",
    );
}

function addPeerFlags(command: Command): Command {
  return command
    .addOption(
      option(
        "--peers <list>",
        "addresses of members, ID=HOST:PORT separated by commas: of all of them for a node that joins, or a way of its own to one",
      ).argParser(peerMap),
    )
    .addOption(
      option(
        "--peer-listen <address>",
        "where this node listens for members (default: its address in the list of first members)",
      ).argParser(listenAddress),
    )
    .addOption(
      option(
        "--peer-tls-cert <file>",
        "PEM certificate of this node for members, which names it as raft://CLUSTER/ID",
      ).argParser(filePath),
    )
    .addOption(option("--peer-tls-key <file>", "PEM key of that certificate").argParser(filePath))
    .addOption(option("--peer-tls-ca <file>", "PEM authority of members, and of nobody else").argParser(filePath))
    .addOption(
      option(
        "--allow-insecure-peer",
        "take members without TLS on an address that others can reach: whoever reaches it can rewrite the oracle",
      ),
    )
    .addOption(
      option(
        "--take-over-lock",
        "take the directory although its lock is of another container on this machine, which must be gone",
      ),
    );
}

function addAdminFlags(command: Command): Command {
  return command
    .addOption(
      option(
        "--admin-listen <address>",
        "let operators change the members here, with 'tsoracle admin' (default: off); beyond loopback with TLS only",
      ).argParser(listenAddress),
    )
    .addOption(option("--admin-tls-cert <file>", "PEM certificate of that port").argParser(filePath))
    .addOption(option("--admin-tls-key <file>", "PEM key of that certificate").argParser(filePath))
    .addOption(
      option(
        "--admin-tls-ca <file>",
        "PEM authority of operators, whose certificates are required; not that of members",
      ).argParser(filePath),
    );
}

function addTimingFlags(command: Command): Command {
  return command
    .addOption(
      option("--freshness <mode>", "how a leader knows that it may still answer: it asks a majority, or trusts clocks")
        .choices(["confirm", "lease"])
        .default("confirm"),
    )
    .addOption(
      option("--heartbeat-ms <ms>", "milliseconds between heartbeats").argParser(wholeNumber(10, 60_000)).default(100),
    )
    .addOption(
      option("--election-ms <ms>", "milliseconds without a leader until a node stands for election")
        .argParser(wholeNumber(50, 600_000))
        .default(1_000),
    )
    .addOption(
      option("--drift <fraction>", "how much clocks may differ in speed, for --freshness lease")
        .argParser(fraction(0.49))
        .default(0.1, "0.1"),
    );
}

function formatCommand(): Command {
  return addJsonFlag(directoryFlag(new Command("format")))
    .description("prepare the directory of one node, once in its life; a node whose disk was lost gets a new id")
    .addOption(
      option("--cluster-id <name>", "name of the cluster; nodes of different clusters refuse each other")
        .argParser(namePattern(/^[A-Za-z0-9._-]{1,64}$/, 'expected 1 to 64 letters, digits, ".", "_" or "-"'))
        .makeOptionMandatory(),
    )
    .addOption(
      option("--id <number>", "which member this is, never used before (default with --join: random)").argParser(
        memberId,
      ),
    )
    .addOption(
      option(
        "--members <list>",
        "all first members of a new cluster, the same list on each: ID=PEER/CLIENT[/ADMIN] separated by commas, each address HOST:PORT",
      ).argParser(firstMembers),
    )
    .addOption(option("--join", "a node of a cluster that exists; 'admin add-learner' needs the storage id it prints"))
    .addOption(
      option("--seq-key-cap <count>", "most sequence keys of a new cluster; the same on each member")
        .argParser(wholeNumber(1, 50_000))
        .default(DEFAULT_SEQ_KEY_CAP),
    )
    .action(async (flags: FormatFlags) => {
      const { formatRaft } = await import("../raft/format.ts");
      await formatRaft(flags);
    })
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle raft format --raft-dir raft-1 --cluster-id main --id 1 --members 1=127.0.0.1:51001/127.0.0.1:50551,2=127.0.0.1:51002/127.0.0.1:50552,3=127.0.0.1:51003/127.0.0.1:50553\n  tsoracle raft format --raft-dir raft-4 --cluster-id main --id 4 --join",
    );
}

export function raftCommand(): Command {
  return new Command("raft")
    .description("prepare the nodes of a raft cluster")
    .usage("<command> [flags]")
    .action(() => {
      throw new CliError("usage", "raft was given without a command: expected format");
    })
    .addCommand(formatCommand())
    .addHelpText("after", "\nExamples:\n  tsoracle raft format --raft-dir raft-4 --cluster-id main --id 4 --join");
}
