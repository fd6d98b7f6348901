// SPDX-License-Identifier: Apache-2.0
// Entry of the consensus thread. It is started by the driver and by nobody else.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { NodeThread } from "./node-thread.ts";
import type { Reply, Request, ThreadOptions } from "./thread-protocol.ts";

async function run(port: MessagePort, options: ThreadOptions): Promise<void> {
  const say = (reply: Reply): void => port.postMessage(reply);
  const requests: Request[] = [];
  let thread: NodeThread | undefined;
  const handle = (request: Request): void => {
    // Of a thread, this ends just the thread: between two steps, as a process that is killed leaves no step half-done
    // either as far as its disk can tell.
    if (request.kind === "die") process.exit(1);
    if (thread === undefined) requests.push(request);
    else thread.handle(request);
    if (request.kind === "close") port.close();
  };
  port.on("message", handle);
  try {
    thread = await NodeThread.start(options, say);
  } catch (error) {
    say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    port.close();
    return;
  }
  for (const request of requests) thread.handle(request);
}

if (parentPort !== null) await run(parentPort, workerData as ThreadOptions);
