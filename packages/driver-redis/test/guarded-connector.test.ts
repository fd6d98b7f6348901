// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { GuardedConnector } from "../src/guarded-connector.ts";

async function withServer(use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

describe("GuardedConnector", () => {
  it("outlives a second error of a socket, and remembers the first of each", async () => {
    await withServer(async (port) => {
      const connector = new GuardedConnector({ host: "127.0.0.1", port });
      for (const round of ["one", "two"]) {
        const socket = await connector.connect();
        await once(socket, "connect");
        socket.emit("error", new Error(`first of ${round}`));
        socket.emit("error", new Error(`second of ${round}`));
        expect(connector.firstError?.message).toBe(`first of ${round}`);
        socket.destroy();
      }
    });
  });

  it("rejects where no socket can be opened", async () => {
    const connector = new GuardedConnector({ host: "127.0.0.1", port: 6379, tls: { cert: "not PEM" } });
    await expect(connector.connect()).rejects.toThrow(/PEM/);
  });

  it("rejects when it was told to disconnect first", async () => {
    const connector = new GuardedConnector({ host: "127.0.0.1", port: 6379 });
    const connecting = connector.connect();
    connector.disconnect();
    await expect(connecting).rejects.toThrow("Connection is closed.");
  });
});
