// SPDX-License-Identifier: Apache-2.0
// What the tests run as a process of its own. Each line on stdout is written when it is true, not later.
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { EPOCH_ZERO, parseSeqKey, physicalMs } from "@tsoracle/core";
import koffi from "koffi";
import { type FileDriver, openFileDriver } from "../src/index.ts";
import { FaultyFileSystem } from "./faulty-file-system.ts";

const [mode, stateDir = "", argument = ""] = process.argv.slice(2);
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

/** Raises and advances as fast as the disk allows, until it is killed. */
async function persistForEver(driver: FileDriver): Promise<void> {
  const parsed = parseSeqKey("invoices");
  if (!parsed.ok) throw new Error("a valid key");
  for (let highWater = await driver.loadHighWater(); ; ) {
    highWater = await driver.persistHighWater(physicalMs(highWater + 1), EPOCH_ZERO);
    say(`high-water ${highWater}`);
    const [start] = await driver.sequences.advance([{ key: parsed.key, count: 1 }], EPOCH_ZERO);
    say(`start ${start}`);
  }
}

/** Sets the soft limit on the size of files that this process may write, in bytes; the hard limit stays. */
function limitFileSize(bytes: bigint | "unlimited"): void {
  const RLIMIT_FSIZE = 1;
  const libc = koffi.load(null);
  const limits = Buffer.alloc(16);
  const getrlimit = libc.func("int getrlimit(int resource, void *limits)");
  const setrlimit = libc.func("int setrlimit(int resource, void *limits)");
  if (getrlimit(RLIMIT_FSIZE, limits) !== 0) throw new Error(`getrlimit failed with errno ${koffi.errno()}`);
  limits.writeBigUInt64LE(bytes === "unlimited" ? limits.readBigUInt64LE(8) : bytes, 0);
  if (setrlimit(RLIMIT_FSIZE, limits) !== 0) throw new Error(`setrlimit failed with errno ${koffi.errno()}`);
}

/** A disk that takes ten bytes of the next record, and later all of it. */
async function fillDisk(driver: FileDriver): Promise<void> {
  await driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
  limitFileSize(10n);
  const error: unknown = await driver.persistHighWater(physicalMs(200), EPOCH_ZERO).catch((reason: unknown) => reason);
  say(error instanceof Error ? error.message : "no error");
  say(`high-water ${await driver.loadHighWater()}`);
  limitFileSize("unlimited");
  say(`high-water ${await driver.persistHighWater(physicalMs(300), EPOCH_ZERO)}`);
}

/** Dies at an operation such as `rename state`, before that has an effect. */
async function dieAt(operation: string): Promise<void> {
  const fileSystem = new FaultyFileSystem();
  const driver = await openFileDriver({ stateDir, fileSystem });
  say(`high-water ${await driver.persistHighWater(physicalMs(100), EPOCH_ZERO)}`);
  fileSystem.onBegin = (begun) => {
    if (begun.startsWith(operation)) process.kill(process.pid, "SIGKILL");
  };
  say(`high-water ${await driver.persistHighWater(physicalMs(200), EPOCH_ZERO)}`);
}

async function main(): Promise<void> {
  if (mode === "die-at") return await dieAt(argument);
  const driver = await openFileDriver({ stateDir });
  if (mode === "with-child") {
    const child = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
    say(`child ${child.pid}`);
  }
  say(`ready ${process.pid}`);
  if (mode === "persist") await persistForEver(driver);
  else if (mode === "fill-disk") await fillDisk(driver);
  else process.stdin.resume();
}

await main();
