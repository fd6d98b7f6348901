// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@tsoracle/client";
import { openFileDriver } from "@tsoracle/driver-file";
import { createServer } from "@tsoracle/server";

const stateDir = await mkdtemp(join(tmpdir(), "tsoracle-embedded-"));
let largest = 0n;

/** One life of the application: it opens the oracle, uses it, and lets go of it in the reverse order. */
async function live(life: string): Promise<void> {
  const driver = await openFileDriver({ stateDir });
  const server = createServer({ driver });
  const address = await server.listen("127.0.0.1:0");
  const client = createClient({ endpoints: [address.toString()] });
  const timestamp = await client.getTs();

  assert.ok(timestamp.value > largest, "after a restart, timestamps go on above the last one");
  const together = await Promise.all(Array.from({ length: 1_000 }, () => client.getTs()));
  const values = together.map((each) => each.value);
  assert.equal(new Set(values).size, 1_000, "no timestamp is issued twice");
  assert.ok(
    values.every((value) => value > timestamp.value),
    "whoever asks later gets a larger one",
  );
  const batch = await client.getTsBatch(3);
  assert.ok(
    values.every((value) => value < batch.firstValue),
    "so does a batch",
  );
  largest = batch.last.value;
  console.log(`${life} life: ${timestamp} to ${largest}`);

  await client[Symbol.asyncDispose]();
  await server.shutdown("the example is over");
  await driver[Symbol.asyncDispose]();
}

try {
  await live("first");
  await live("second");
  console.log("in order");
} finally {
  await rm(stateDir, { recursive: true, force: true });
}
