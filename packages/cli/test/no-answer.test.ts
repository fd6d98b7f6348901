// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { noAnswer } from "../src/status/no-answer.ts";
import { runCli } from "./cli-process.ts";

/** Something that listens and is no tsoracle server. */
async function listener(onConnection: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function errorOf(endpoint: string, ...flags: string[]): Promise<string> {
  const args = ["status", "--endpoints", endpoint, "--timeout", "1s", "--json", ...flags];
  const { code, stdout } = await runCli(args);
  expect(code).toBe(1);
  return (JSON.parse(stdout) as [{ readonly error: string }])[0].error;
}

describe("status of an endpoint that does not answer", { timeout: 60_000 }, () => {
  it("says that nothing listens, and where", async () => {
    expect(await errorOf("127.0.0.1:1")).toBe(
      "nothing listens at 127.0.0.1:1: start the server there, or correct --endpoints",
    );
  });

  it("says that a name is not known", async () => {
    expect(await errorOf("nowhere.invalid:5", "--timeout", "5s")).toMatch(
      /^the host name of nowhere\.invalid:5 is not known/,
    );
  });

  it("says that a silent endpoint was waited for, and how long", async () => {
    const endpoint = await listener(() => {});
    const error = await errorOf(endpoint);
    expect(error).toContain(`${endpoint} accepts connections or swallows them, and did not answer within 1s`);
  });

  it("says that the other side may speak something else", async () => {
    const endpoint = await listener((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await errorOf(endpoint)).toContain(`what listens at ${endpoint} ends the connection`);
  });

  it.each<[string, object, RegExp]>([
    ["a server of another kind", { code: 12, details: "unknown service" }, /no tsoracle server/],
    [
      "a certificate that is not trusted",
      { code: 14, details: "No connection established. Last error: Error: self-signed certificate. Resolution note: " },
      /^the certificate of a:1 is not accepted \(self-signed certificate\): .*--client-tls-ca$/,
    ],
    [
      "anything else, in the words that came",
      { code: 14, details: "No connection established. Last error: Error: the moon. Resolution note: " },
      /^a:1 did not answer: the moon$/,
    ],
    ["an error without details", new Error("odd"), /^a:1 did not answer: odd$/],
    ["the client's own patience", new DOMException("aborted", "TimeoutError"), /did not answer within 2s/],
  ])("explains %s", (_, error, message) => {
    expect(noAnswer("a:1", 2_000, error)).toMatch(message);
  });
});
