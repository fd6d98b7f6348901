// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createClient } from "@tsoracle/client";
import { installPostgresJournal, openPostgresJournal } from "@tsoracle/session/postgres";
import { freePorts, OwnedDirectory, startPostgres } from "@tsoracle/test-services";
import { Actor, OracleServer } from "@tsoracle-example/failover";
import type { Game } from "./game.ts";
import type { HostSettings } from "./host.ts";
import { ROOM, roomsOf } from "./room.ts";

const HOST = new URL("./host.ts", import.meta.url);

/** How many moves a host must have taken before the story goes on. */
const MOVES = 25;

/** Two hosts, Anna and Ben: one is killed while it has the room, the other is paused while it has it. */
async function play(settings: HostSettings): Promise<void> {
  await using anna = await Actor.start(HOST, "anna", settings);
  await anna.notes("moved", MOVES);
  assert.equal(await anna.notes("move out of turn"), "move out of turn refused, it is red's turn");
  await anna.kill();
  console.log("anna hosted the room, players moved, and she was killed with -9");

  await using ben = await Actor.start(HOST, "ben", settings);
  await ben.notes("finds it with anna");
  assert.ok(movesIn(await ben.notes("hosts it")) >= acknowledged([anna]).length, "ben found every move");
  await ben.notes("moved", MOVES);
  console.log("ben took the room over with every move that players had seen, and the game went on");

  await ben.pause();
  await using annaAgain = await Actor.start(HOST, "anna", settings);
  await annaAgain.notes("finds it with ben");
  await annaAgain.notes("moved", MOVES);
  console.log("ben was stopped in the middle of it; anna came back and took the room over");

  await ben.resume();
  assert.equal(await ben.notes("refused"), "refused as fenced, anna hosts it now");
  assert.deepEqual(await ben.ended, { code: 0, signal: null }, "ben gave the room up by himself");
  console.log("ben woke up, believed that he still had it, and his move was refused");

  await annaAgain.notes("moved", acknowledged([annaAgain]).length + MOVES);
  await annaAgain.kill();
  judge(await look(settings), [anna, ben, annaAgain]);
}

const movesIn = (line: string): number => Number(/with (\d+) moves, 0 lost$/.exec(line)?.[1]);

const acknowledged = (hosts: readonly Actor[]): readonly string[] =>
  hosts.flatMap((host) => host.lines.filter((line) => line.startsWith("moved")));

/** What the journal holds. Whoever may read it can look, without owning the room. */
async function look({ oracle, url }: HostSettings): Promise<Game> {
  await using client = createClient({ endpoints: [oracle] });
  await using journal = await openPostgresJournal({ url });
  const rooms = roomsOf({ node: "visitor", journal, timestamps: async (call) => (await client.getTs(call)).value });
  return (await rooms.inspect(ROOM)).state;
}

/** Compares the game with what its hosts told the players. */
function judge({ moves, points }: Game, hosts: readonly Actor[]): void {
  const made = moves.map((move, index) => `moved ${index + 1} ${JSON.stringify(move)}`);
  const told = acknowledged(hosts);
  const lost = told.filter((line) => !made.includes(line));
  assert.deepEqual(lost, [], "every move that was acknowledged is in the game, at its place");
  assert.equal(new Set(told).size, told.length, "no move was acknowledged twice");
  // Of each host, one move may be there of which nobody ever heard: it was under way when the host was killed or stopped.
  assert.ok(made.length - told.length <= hosts.length, "nothing else is in it");
  const total = moves.reduce((sum, move) => sum + move.points, 0);
  assert.equal(points.red + points.blue, total, "the points are those of the moves");
  console.log("the game holds every acknowledged move at its place, and the points of all of them");
}

await using state = new OwnedDirectory();
const [port] = await freePorts(1);
const oracle = await OracleServer.start(`127.0.0.1:${port}`, ["file", "--state-dir", state.path]);
try {
  await using postgres = await startPostgres();
  await using own = await postgres.createDatabase("rooms");
  // In production the nodes connect as a role of their own that owns nothing; here as the owner, for brevity.
  await installPostgresJournal({ url: own.url, role: decodeURIComponent(new URL(own.url).username) });
  await play({ oracle: oracle.address, url: own.url });
} finally {
  await oracle.end("SIGTERM");
}
