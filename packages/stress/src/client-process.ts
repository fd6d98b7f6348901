// SPDX-License-Identifier: Apache-2.0
import { keepCalling, ordinaryCallers, pinnedCallers } from "./callers.ts";
import type { ClientCommand, ClientReport } from "./messages.ts";
import type { RecordedCall } from "./recorded-call.ts";
import { SharedClock } from "./shared-clock.ts";

const REPORT_EVERY_MS = 50;

function send(report: ClientReport): void {
  process.send?.(report);
}

const stop = new AbortController();

async function run(command: ClientCommand & { readonly type: "start" }): Promise<void> {
  let calls: RecordedCall[] = [];
  const flush = (): void => {
    if (calls.length > 0) send({ type: "calls", calls });
    calls = [];
  };
  const timer = setInterval(flush, REPORT_EVERY_MS);
  const { process: name, endpoints } = command;
  const ordinary = ordinaryCallers(name, endpoints, command.clients, command.callersPerClient);
  const pinned = pinnedCallers(name, endpoints, command.pinnedPerServer);
  const clock = new SharedClock(command.clockBase);
  const parts = { clock, signal: stop.signal, record: (call: RecordedCall) => void calls.push(call) };
  await Promise.all([...ordinary.callers, ...pinned.callers].map((caller) => keepCalling(caller, parts)));
  clearInterval(timer);
  await ordinary.close();
  pinned.close();
  flush();
  send({ type: "stopped" });
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(3);
}

process.on("message", (command: ClientCommand) => {
  switch (command.type) {
    case "start":
      run(command).catch(fail);
      return;
    case "stop":
      stop.abort();
      return;
    default:
      command satisfies never;
  }
});

// The harness decides when it is over; an interrupt from the terminal reaches this process too.
process.on("SIGINT", () => {});
// Its end, however it came about, is this process's end.
process.on("disconnect", () => process.exit(0));
