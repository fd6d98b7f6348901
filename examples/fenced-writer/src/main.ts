// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { freePorts, OwnedDirectory, startPostgres } from "@tsoracle/test-services";
import { Actor, OracleServer } from "@tsoracle-example/failover";
import pg from "pg";
import { Ledger } from "./ledger.ts";
import type { WriterSettings } from "./writer.ts";

const WRITER = new URL("./writer.ts", import.meta.url);

/** How many lines a writer must have written before the story goes on. */
const LINES = 25;

/** Two writers, Anna and Ben: one is killed while it owns the ledger, the other is paused while it does. */
async function play(ledger: Ledger, settings: WriterSettings): Promise<void> {
  await using anna = await Actor.start(WRITER, "anna", settings);
  await anna.notes("wrote", LINES);
  await anna.kill();
  console.log("anna wrote to the ledger and was killed with -9 while she owned it");

  await using ben = await Actor.start(WRITER, "ben", settings);
  await ben.notes("wrote", LINES);
  console.log("ben took a later timestamp, claimed the ledger with it, and wrote on");

  await ben.pause();
  await using annaAgain = await Actor.start(WRITER, "anna", settings);
  await annaAgain.notes("wrote", LINES);
  console.log("ben was stopped in the middle of it; anna came back, claimed the ledger and wrote on");

  await ben.resume();
  const refusal = await ben.notes("refused");
  const { epoch } = await ledger.holder();
  assert.equal(refusal, `refused, anna owns it under epoch ${epoch}`);
  assert.deepEqual(await ben.ended, { code: 0, signal: null }, "ben gave up by himself");
  console.log("ben woke up, believed that he still owned it, and his write was refused");

  await annaAgain.notes("wrote", annaAgain.lines.length + LINES);
  await annaAgain.kill();
  await judge(ledger, [anna, ben, annaAgain]);
}

/** Compares the ledger with what its writers noted. */
async function judge(ledger: Ledger, writers: readonly Actor[]): Promise<void> {
  const lines = await ledger.lines();
  const written = lines.map(({ number, text }) => `wrote ${number} ${text}`);
  const acknowledged = writers.flatMap((writer) => writer.lines.filter((line) => line.startsWith("wrote")));
  const lost = acknowledged.filter((line) => !written.includes(line));
  assert.deepEqual(lost, [], "every line that was acknowledged is in the ledger, under its number");
  // Of each writer that was killed, one line may be there of which it never heard.
  assert.ok(written.length - acknowledged.length <= 2, "nothing else is in it");
  assert.deepEqual(
    lines.map(({ number }) => number),
    lines.map((_, index) => index + 1),
    "no number is missing",
  );
  const owners = lines.filter(({ epoch }, index) => epoch !== lines[index - 1]?.epoch).map(({ owner }) => owner);
  assert.deepEqual(owners, ["anna", "ben", "anna"], "each owner's lines stand together, in the order of their epochs");
  console.log("the ledger holds every acknowledged line, without a gap, in the order of the owners");
}

await using state = new OwnedDirectory();
const [port] = await freePorts(1);
const oracle = await OracleServer.start(`127.0.0.1:${port}`, ["file", "--state-dir", state.path]);
try {
  await using postgres = await startPostgres();
  await using own = await postgres.createDatabase("ledger");
  const database = new pg.Client({ connectionString: own.url });
  await database.connect();
  try {
    const ledger = new Ledger(database);
    await ledger.create();
    await play(ledger, { oracle: oracle.address, url: own.url });
  } finally {
    await database.end();
  }
} finally {
  await oracle.end("SIGTERM");
}
