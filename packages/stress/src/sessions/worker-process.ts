// SPDX-License-Identifier: Apache-2.0
import { writeSync } from "node:fs";
import { createClient } from "@tsoracle/client";
import { Random } from "../random.ts";
import { SharedClock } from "../shared-clock.ts";
import { sessionNames } from "./entry.ts";
import type { WorkerCommand } from "./messages.ts";
import { BEAT_EVERY_MS, Presence } from "./presence.ts";
import { Recorder } from "./recorder.ts";
import { sessionStore } from "./stores/index.ts";
import { StoreHealth, watchedJournal } from "./watched-journal.ts";
import { withoutFenceCheck } from "./without-fence-check.ts";
import { Worker } from "./worker.ts";

const monotonicMs = (): number => performance.now();

/** Works until SIGTERM, which lets every session go in good order. The kernel ends this process when the harness dies. */
async function main(command: WorkerCommand): Promise<void> {
  const { worker, workers, incarnation, sessions, seed } = command;
  const store = sessionStore(command.store);
  if (store === undefined) throw new Error(`expected a store of the table, got ${JSON.stringify(command.store)}`);
  const stop = new Promise<void>((resolve) => process.once("SIGTERM", () => resolve()));
  const opened = await store.open(command.config);
  const health = new StoreHealth(monotonicMs);
  const journal = watchedJournal(command.fenceCheck ? opened : withoutFenceCheck(opened), health);
  await using client = createClient({ endpoints: [command.oracle] });
  using recorder = new Recorder(command.record, new SharedClock(BigInt(command.clockBase)));
  const presence = new Presence(command.presence, worker, workers, monotonicMs());
  const running = new Worker({
    worker,
    caller: `${worker}.${incarnation}`,
    journal,
    timestamps: async (call) => (await client.getTs(call)).value,
    presence,
    recorder,
    random: new Random(seed + 1_000 * worker + incarnation),
    alarm: (session, what) => recorder.alarm(session, what),
  });
  const timer = setInterval(() => {
    presence.look(monotonicMs());
    // Who cannot reach the store is of no use to its sessions, and says so by its silence.
    if (health.isWell) presence.beat(Date.now());
  }, BEAT_EVERY_MS);
  presence.look(monotonicMs());
  writeSync(1, `working as ${worker}.${incarnation}\n`);
  const done = running.run(sessionNames(sessions));
  await Promise.race([stop, done]);
  running.stop();
  await done;
  clearInterval(timer);
  presence.leave();
  await journal[Symbol.asyncDispose]();
}

try {
  await main(JSON.parse(process.argv[2] ?? "") as WorkerCommand);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
