// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP } from "@tsoracle/core";
import { Command } from "commander";
import { durationMs, option, peerAddress, wholeNumber } from "../options.ts";
import { addPostgresFlags } from "../postgres/access.ts";
import type { ServePostgresFlags } from "../postgres/serve.ts";
import { addRedisFlags } from "../redis/access.ts";
import type { ServeRedisFlags } from "../redis/serve.ts";
import { addOracleSettingFlags } from "../store/flags.ts";
import { addServeFlags } from "./serve-flags.ts";

/** What holds for every store that several servers share. */
export const STORE_NOTES: string =
  "\nTwo or more servers of one oracle elect a leader; SIGTERM to the leader hands over at once." +
  "\n--freshness, --tenure and --drift must be what init stored. --window-ahead is raised to --tenure and half a second.\n";

export function advertiseFlag(command: Command): Command {
  return command.addOption(
    option(
      "--advertise <address>",
      "HOST:PORT as clients call this server (default: --listen, unless that is a wildcard, loopback or port 0)",
    ).argParser(peerAddress),
  );
}

export function postgresServeCommand(): Command {
  const command = addPostgresFlags(new Command("postgres"))
    .summary("serve from one row in Postgres: durable, fails over between servers")
    .description(
      "serve from one row in Postgres: durable, fails over between servers. Prepare it with 'postgres init'",
    );
  return addServeFlags(addOracleSettingFlags(advertiseFlag(command)))
    .addOption(
      option("--durability <level>", "replicated demands synchronous replication of the database")
        .choices(["fsync", "replicated"])
        .default("fsync"),
    )
    .addOption(
      option("--synchronous-commit <level>", "what to wait for before a commit counts")
        .choices(["on", "remote_apply"])
        .default("on"),
    )
    .addOption(
      option(
        "--on-timeline-change <policy>",
        "when the database was promoted or restored since the last reign: refuse until 'postgres fast-forward', " +
          "or accept that timestamps may be issued again",
      )
        .choices(["refuse", "accept"])
        .default("refuse"),
    )
    .addOption(
      option("--allow-session-pooler", "accept a session pooler in between; its timeouts guard the wrong connection"),
    )
    .addOption(
      option(
        "--op-timeout <duration>",
        "longest wait for one statement, from 150ms to half of --tenure (default: a sixth of it)",
      ).argParser(durationMs(150)),
    )
    .addOption(
      option("--read-only-grace <duration>", "how long there may be standbys only before it is an error")
        .argParser(durationMs(0))
        .default(60_000, "1m"),
    )
    .addOption(
      option("--seq-key-cap <count>", "most sequence keys; the same for every server")
        .argParser(wholeNumber(0, 1_000_000))
        .default(DEFAULT_SEQ_KEY_CAP),
    )
    .action(async (flags: ServePostgresFlags) => {
      const { servePostgres } = await import("../postgres/serve.ts");
      await servePostgres(flags);
    })
    .addHelpText(
      "after",
      `${STORE_NOTES}\nExamples:\n  TSORACLE_URL=postgres://tsoapp:secret@db:5432/app tsoracle serve postgres --oracle main --listen 10.0.0.5:50551\n  tsoracle serve postgres --url postgres://tsoapp@db/app --password-file pw --oracle main --listen 0.0.0.0:50551 --advertise a.example:50551`,
    );
}

export function redisServeCommand(): Command {
  const command = addRedisFlags(new Command("redis"))
    .summary("serve from independent Redis nodes: survives the loss of a minority, fails over between servers")
    .description(
      "serve from independent Redis nodes: survives the loss of a minority, fails over between servers. Prepare them with 'redis init'",
    );
  return addServeFlags(advertiseFlag(command))
    .addOption(
      option(
        "--readmission <who>",
        "who gives a node its vote back that this server has seen vote and that is empty now: the leader, or an operator with 'redis admit' (default: automatic where --trust-restart is never)",
      ).choices(["automatic", "operator"]),
    )
    .action(async (flags: ServeRedisFlags) => {
      const { serveRedis } = await import("../redis/serve.ts");
      await serveRedis(flags);
    })
    .addHelpText(
      "after",
      `${STORE_NOTES}\nExamples:\n  tsoracle serve redis --nodes r1:6379,r2:6379,r3:6379 --oracle main --listen 10.0.0.5:50551\n  TSORACLE_NODES=rediss://tso:secret@r1,rediss://tso:secret@r2,rediss://tso:secret@r3 tsoracle serve redis --oracle main --listen 0.0.0.0:50551 --advertise a.example:50551`,
    );
}
