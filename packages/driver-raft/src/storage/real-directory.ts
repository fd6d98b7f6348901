// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { BlockDevice, Directory } from "./device.ts";

const ZEROS: Uint8Array = new Uint8Array(1024 * 1024);

/** A directory of the file system, which must exist. */
export class RealDirectory implements Directory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  list(): readonly string[] {
    return readdirSync(this.path).sort();
  }

  open(name: string): BlockDevice {
    return new RealFile(name, openSync(join(this.path, name), constants.O_RDWR));
  }

  create(name: string): BlockDevice {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return new RealFile(name, openSync(join(this.path, name), flags, 0o600));
  }

  rename(from: string, to: string): void {
    renameSync(join(this.path, from), join(this.path, to));
  }

  link(from: string, to: string): void {
    linkSync(join(this.path, from), join(this.path, to));
  }

  remove(name: string): void {
    unlinkSync(join(this.path, name));
  }

  sync(): void {
    const descriptor = openSync(this.path, constants.O_RDONLY);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

class RealFile implements BlockDevice {
  readonly name: string;
  readonly #descriptor: number;

  constructor(name: string, descriptor: number) {
    this.name = name;
    this.#descriptor = descriptor;
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#descriptor, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  pwrite(bytes: Uint8Array, offset: number): void {
    let done = 0;
    while (done < bytes.length) {
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, offset + done);
    }
  }

  fdatasync(): void {
    fdatasyncSync(this.#descriptor);
  }

  // Written, not only reserved: a first write into reserved space changes metadata, which each sync would wait for.
  preallocate(size: number): void {
    for (let offset = 0; offset < size; offset += ZEROS.length) {
      this.pwrite(ZEROS.subarray(0, Math.min(ZEROS.length, size - offset)), offset);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
