// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server as Listener } from "node:net";
import { describe, expect, it } from "vitest";
import { freePorts } from "../src/free-port.ts";
import { ManagedServer, startOnFreePorts } from "../src/managed-server.ts";
import { type ProcessSpec, ServerFailedToStart } from "../src/process/server-process.ts";

/** The smallest server there is: it listens, says so, and fails as servers do when its port is taken. */
class SmallServer extends ManagedServer {
  readonly url: string;
  protected readonly shutdownSignal = "SIGTERM";
  isDiscarded = false;

  constructor(port: number) {
    super(port, "this test");
    this.url = `tcp://127.0.0.1:${port}`;
  }

  protected spec(): ProcessSpec {
    // What it prints is not part of its own text, which an error would show.
    const program = `require("node:net").createServer().listen(${this.port}, "127.0.0.1", () => console.log("up: " + process.pid))`;
    return { command: process.execPath, args: ["-e", program], log: this.output, ready: /^up: \d+$/m };
  }

  protected async discard(): Promise<void> {
    this.isDiscarded = true;
  }
}

function listen(port: number): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const listener = createServer().once("error", reject);
    listener.listen(port, "127.0.0.1", () => resolve(listener));
  });
}

describe("free ports", () => {
  it("are different and can be listened on", async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    const listeners = await Promise.all(ports.map(listen));
    for (const listener of listeners) listener.close();
  });

  it("are drawn again when somebody else takes one before the server binds it", async () => {
    const [taken = 0] = await freePorts(1);
    const thief = await listen(taken);
    const made: SmallServer[] = [];
    await using server = await startOnFreePorts(1, async ([port = 0]) => {
      const next = new SmallServer(made.length === 0 ? taken : port);
      made.push(next);
      return next;
    });
    expect(made).toHaveLength(2);
    expect(made[0]?.isDiscarded).toBe(true);
    expect(server.port).not.toBe(taken);
    thief.close();
  });
});

describe("a restart", () => {
  it("waits for a port that is free again soon, and gives up on one that stays taken", async () => {
    await using server = await startOnFreePorts(1, async ([port = 0]) => new SmallServer(port));
    await server.kill();
    const thief = await listen(server.port);
    await expect(server.restart()).rejects.toThrow(ServerFailedToStart);
    const again = server.restart();
    thief.close();
    await again;
    expect(server.isRunning).toBe(true);
  });
});
