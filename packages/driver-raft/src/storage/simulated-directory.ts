// SPDX-License-Identifier: Apache-2.0
import type { BlockDevice, Directory } from "./device.ts";
import { type Chance, SimulatedFile } from "./simulated-file.ts";

export type { Chance } from "./simulated-file.ts";

/** What a program asks of the disk, as a plan of faults sees it. Reads are not in it: they do not fail here, they lie. */
export interface DiskOperation {
  readonly kind: "create" | "pwrite" | "fdatasync" | "preallocate" | "rename" | "link" | "remove" | "sync_directory";
  readonly file: string;
  /** Counts up from 1 over the life of the directory. */
  readonly number: number;
}

/** What the disk does instead of the operation, or right after it. */
export type DiskFault =
  | { readonly kind: "error"; readonly code: "EIO" | "ENOSPC" }
  /** The process ends here; the operation was not begun. */
  | { readonly kind: "crash_before" }
  /** The process ends here; the operation was done, as far as it can be without a sync. */
  | { readonly kind: "crash_after" };

/** How often each fault really happened. */
export interface DiskCounters {
  operations: number;
  crashes: number;
  powerLosses: number;
  lostWrites: number;
  tornWrites: number;
  reorderedWrites: number;
  lostDirectoryEntries: number;
  bitFlips: number;
  writeErrors: number;
  syncErrors: number;
  fullDisk: number;
  wipes: number;
  clones: number;
}

/** Thrown out of an operation at which the process ends. Nothing may touch the directory until it is started again. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
}

export interface SimulatedDirectoryOptions {
  /** For messages; default "simulated". */
  readonly path?: string | undefined;
  readonly chance: Chance;
  /** Bytes that all files together may take; default unlimited. */
  readonly capacityBytes?: number | undefined;
  /** Asked before each operation. */
  readonly plan?: ((operation: DiskOperation) => DiskFault | undefined) | undefined;
}

/** A change of names that no sync of the directory has covered yet. */
type NameChange = (names: Map<string, SimulatedFile>) => void;

/**
 * A disk with one directory, in memory. It keeps apart what programs see and what is durable, for content by sector and
 * for names, and does to it what disks do. All chance is drawn from `chance`, so one seed gives one history.
 *
 * A process that ends leaves the cache alone (`endProcess`); a loss of power does not (`losePower`). Handles that were
 * open before either of them are dead afterwards.
 */
export class SimulatedDirectory implements Directory {
  readonly path: string;
  readonly counters: DiskCounters;
  capacityBytes: number;
  /** May be exchanged at any time. */
  plan: ((operation: DiskOperation) => DiskFault | undefined) | undefined;
  readonly #chance: Chance;
  #names: Map<string, SimulatedFile> = new Map();
  #durableNames: Map<string, SimulatedFile> = new Map();
  #pending: NameChange[] = [];
  #lifetime = 0;
  #down = false;

  constructor(options: SimulatedDirectoryOptions) {
    this.path = options.path ?? "simulated";
    this.#chance = options.chance;
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.plan = options.plan;
    this.counters = {
      operations: 0,
      crashes: 0,
      powerLosses: 0,
      lostWrites: 0,
      tornWrites: 0,
      reorderedWrites: 0,
      lostDirectoryEntries: 0,
      bitFlips: 0,
      writeErrors: 0,
      syncErrors: 0,
      fullDisk: 0,
      wipes: 0,
      clones: 0,
    };
  }

  /** Whether the process on this disk has ended by a planned crash, and none was started since. */
  get down(): boolean {
    return this.#down;
  }

  list(): readonly string[] {
    this.#checkUp();
    return [...this.#names.keys()].sort();
  }

  open(name: string): BlockDevice {
    this.#checkUp();
    return this.#handle(name, this.#file(name));
  }

  create(name: string): BlockDevice {
    if (this.#names.has(name)) throw systemError("EEXIST", `create ${name}`);
    const file = new SimulatedFile();
    this.#operate("create", name, () => this.#change((names) => names.set(name, file)));
    return this.#handle(name, file);
  }

  rename(from: string, to: string): void {
    const file = this.#file(from);
    this.#operate("rename", from, () =>
      this.#change((names) => {
        names.delete(from);
        names.set(to, file);
      }),
    );
  }

  link(from: string, to: string): void {
    const file = this.#file(from);
    if (this.#names.has(to)) throw systemError("EEXIST", `link ${to}`);
    this.#operate("link", to, () => this.#change((names) => names.set(to, file)));
  }

  remove(name: string): void {
    this.#file(name);
    this.#operate("remove", name, () => this.#change((names) => names.delete(name)));
  }

  sync(): void {
    this.#operate("sync_directory", ".", () => {
      this.#durableNames = new Map(this.#names);
      this.#pending = [];
    });
  }

  /** The process ends, by itself or killed: what it wrote is in the cache, synced or not. */
  endProcess(): void {
    this.#lifetime += 1;
    this.#down = false;
  }

  /** Power is lost: of everything that was not synced, some is there and some is not. Ends the process, too. */
  losePower(): void {
    this.endProcess();
    this.counters.powerLosses += 1;
    for (const change of this.#pending) {
      if (this.#chance() < 0.5) change(this.#durableNames);
      else this.counters.lostDirectoryEntries += 1;
    }
    this.#settleNames();
    for (const file of new Set(this.#names.values())) file.losePower(this.#chance, this.counters);
  }

  /** Power is lost, and what has arrived is given: how many changes of names, in order, and which sectors of each file. */
  losePowerExactly(namesKept: number, arrives: (file: string, sector: number) => boolean): void {
    this.endProcess();
    this.counters.powerLosses += 1;
    for (const change of this.#pending.slice(0, namesKept)) change(this.#durableNames);
    this.#settleNames();
    for (const [name, file] of this.#names) file.losePowerExactly((sector) => arrives(name, sector));
  }

  /** What a loss of power could lose right now. */
  atRisk(): { readonly names: number; readonly sectors: ReadonlyMap<string, number> } {
    const sectors = [...this.#names].flatMap(([name, file]): [string, number][] =>
      file.unsyncedSectors === 0 ? [] : [[name, file.unsyncedSectors]],
    );
    return { names: this.#pending.length, sectors: new Map(sectors) };
  }

  /** One bit of one file changes by itself, in the cache and on the disk. */
  flipBit(name: string, offset: number, bit: number): void {
    this.#file(name).flip(offset, bit);
    this.counters.bitFlips += 1;
  }

  /** All files are gone. */
  wipe(): void {
    this.endProcess();
    this.#names = new Map();
    this.#durableNames = new Map();
    this.#pending = [];
    this.counters.wipes += 1;
  }

  /** Another disk with the same content, as a copied volume has it: what programs see, all of it durable. */
  clone(path: string = `${this.path}-clone`): SimulatedDirectory {
    const copy = new SimulatedDirectory({ path, chance: this.#chance, capacityBytes: this.capacityBytes });
    const files = new Map([...new Set(this.#names.values())].map((file) => [file, file.clone()]));
    for (const file of files.values()) file.sync();
    copy.#names = new Map([...this.#names].map(([name, file]) => [name, files.get(file) as SimulatedFile]));
    copy.#durableNames = new Map(copy.#names);
    this.counters.clones += 1;
    return copy;
  }

  #settleNames(): void {
    this.#pending = [];
    this.#names = new Map(this.#durableNames);
  }

  #change(change: NameChange): void {
    change(this.#names);
    this.#pending.push(change);
  }

  #file(name: string): SimulatedFile {
    const file = this.#names.get(name);
    if (file === undefined) throw systemError("ENOENT", `open ${name}`);
    return file;
  }

  #checkUp(): void {
    if (this.#down) throw new SimulatedCrash("the process has ended; start it again first");
  }

  /** Counts, asks the plan, and does what it says. `fail` is what an error leaves behind. */
  #operate(kind: DiskOperation["kind"], file: string, work: () => void, fail: () => void = noop): void {
    this.#checkUp();
    this.counters.operations += 1;
    const fault = this.plan?.({ kind, file, number: this.counters.operations });
    switch (fault?.kind) {
      case undefined:
        work();
        return;
      case "error":
        this.#countError(kind, fault.code);
        fail();
        throw systemError(fault.code, `${kind} ${file}`);
      case "crash_before":
        throw this.#crash();
      case "crash_after":
        work();
        throw this.#crash();
      default:
        fault satisfies never;
    }
  }

  #countError(kind: DiskOperation["kind"], code: "EIO" | "ENOSPC"): void {
    if (code === "ENOSPC") this.counters.fullDisk += 1;
    else if (kind === "fdatasync" || kind === "sync_directory") this.counters.syncErrors += 1;
    else this.counters.writeErrors += 1;
  }

  #crash(): SimulatedCrash {
    this.counters.crashes += 1;
    this.#down = true;
    return new SimulatedCrash("the process ends here");
  }

  #handle(name: string, file: SimulatedFile): BlockDevice {
    const lifetime = this.#lifetime;
    let closed = false;
    const check = (): void => {
      this.#checkUp();
      if (closed || lifetime !== this.#lifetime) throw systemError("EBADF", name);
    };
    const partOf = (bytes: Uint8Array, offset: number): void =>
      file.write(bytes.subarray(0, Math.floor(this.#chance() * bytes.length)), offset);
    const put = (kind: "pwrite" | "preallocate", bytes: Uint8Array, offset: number): void => {
      check();
      this.#operate(
        kind,
        name,
        () => {
          const room = this.#roomFor(file);
          if (offset + bytes.length <= room) return file.write(bytes, offset);
          this.counters.fullDisk += 1;
          file.write(bytes.subarray(0, Math.max(0, room - offset)), offset);
          throw systemError("ENOSPC", `${kind} ${name}`);
        },
        () => partOf(bytes, offset),
      );
    };
    return {
      name,
      size: () => {
        check();
        return file.size;
      },
      read: (offset, length) => {
        check();
        return file.read(offset, length);
      },
      pwrite: (bytes, offset) => put("pwrite", bytes, offset),
      preallocate: (size) => put("preallocate", new Uint8Array(size), 0),
      fdatasync: () => {
        check();
        this.#operate(
          "fdatasync",
          name,
          () => file.sync(),
          () => file.dropUnsynced(this.#chance),
        );
      },
      close: () => {
        closed = true;
      },
    };
  }

  /** How long this file may be at most. */
  #roomFor(file: SimulatedFile): number {
    let others = 0;
    for (const each of new Set(this.#names.values())) if (each !== file) others += each.size;
    return Math.max(file.size, this.capacityBytes - others);
  }
}

function noop(): void {
  // Most operations that fail leave nothing behind.
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
