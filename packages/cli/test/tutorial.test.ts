// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { CliProcess, runCli, temporaryDirectory } from "./cli-process.ts";

const page = readFileSync(new URL("../../../docs/tutorial.md", import.meta.url), "utf8");

/** The lines of all shell blocks, in order. */
function commands(): string[] {
  return [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) => block.trim().split("\n"));
}

async function freeAddress(): Promise<string> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

describe("tutorial", { timeout: 60_000 }, () => {
  it("works as it is written, on another port and with a shorter demonstration", async () => {
    const cwd = temporaryDirectory();
    const address = await freeAddress();
    const env = { TSORACLE_LISTEN: address, TSORACLE_ENDPOINTS: address, TSORACLE_SECONDS: "2", TSORACLE_KILLS: "1" };
    let server: CliProcess | undefined;
    const taken: bigint[] = [];
    for (const command of commands()) {
      const [program, ...args] = command.split(" ");
      if (program !== "tsoracle") {
        expect(spawnSync("sh", ["-c", command], { cwd }).status, command).toBe(0);
        expect(await server?.ended, command).toMatchObject({ signal: "SIGKILL" });
      } else if (args[0] === "serve") {
        server = new CliProcess(args, { cwd, env });
        await server.untilStdout(/^serving on /);
      } else {
        const { code, stdout, stderr } = await runCli(args, { cwd, env });
        expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: "" });
        if (args[0] === "get") taken.push(...stdout.trim().split("\n").map(BigInt));
      }
    }
    expect(taken).toHaveLength(4);
    expect(
      taken.toSorted((a, b) => (a < b ? -1 : 1)),
      "the one after kill -9 is above the others",
    ).toEqual(taken);
  });
});
