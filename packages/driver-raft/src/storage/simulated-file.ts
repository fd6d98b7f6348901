// SPDX-License-Identifier: Apache-2.0
import { SECTOR_BYTES } from "./device.ts";

/** Draws a number from 0 up to, not including, 1. */
export type Chance = () => number;

/** Bytes of one write that fall into one sector. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What a loss of power made of writes that were not synced. */
export interface LossCounts {
  lostWrites: number;
  /** Some sectors arrived and some did not. */
  tornWrites: number;
  /** A sector arrived although one that was written earlier did not. */
  reorderedWrites: number;
}

/**
 * The content of a file twice: what programs see, and what would be there after a loss of power. Between the two lie the
 * writes that were not synced, each of which may reach the disk or not, in any order, sector by sector.
 */
export class SimulatedFile {
  #cached: Uint8Array;
  #durable: Uint8Array;
  #unsynced: Piece[][] = [];

  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.#cached = Uint8Array.from(content);
    this.#durable = Uint8Array.from(content);
  }

  get size(): number {
    return this.#cached.length;
  }

  get unsyncedWrites(): number {
    return this.#unsynced.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#cached.slice(offset, offset + length);
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    this.#cached = grown(this.#cached, offset + bytes.length);
    this.#cached.set(bytes, offset);
    const copy = Uint8Array.from(bytes);
    const pieces: Piece[] = [];
    for (let at = 0; at < copy.length; ) {
      const end = Math.min(copy.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES));
      pieces.push({ offset: offset + at, bytes: copy.subarray(at, end) });
      at = end;
    }
    this.#unsynced.push(pieces);
  }

  sync(): void {
    for (const pieces of this.#unsynced) this.#persist(pieces);
    this.#unsynced = [];
  }

  /** A failed sync: the cache calls the writes clean, and the disk has whichever of them it has. */
  dropUnsynced(chance: Chance): void {
    for (const pieces of this.#unsynced) this.#persist(pieces.filter(() => chance() < 0.5));
    this.#unsynced = [];
  }

  /** Power is lost: some of the writes reach the disk, whole or torn, and programs see what the disk has. */
  losePower(chance: Chance, counts: LossCounts): void {
    let earlierLost = false;
    const tearing = chance();
    for (const pieces of this.#unsynced) {
      const whole = tearing > 0.75;
      const none = tearing < 0.25 || chance() < 0.3;
      const arrived = pieces.filter(() => !none && (whole || chance() < 0.5));
      this.#persist(arrived);
      if (arrived.length === 0) counts.lostWrites += 1;
      else if (arrived.length < pieces.length) counts.tornWrites += 1;
      const missingAt = pieces.findIndex((piece) => !arrived.includes(piece));
      const overtook = missingAt !== -1 && arrived.some((piece) => pieces.indexOf(piece) > missingAt);
      if (overtook || (earlierLost && arrived.length > 0)) counts.reorderedWrites += 1;
      earlierLost ||= missingAt !== -1;
    }
    this.#unsynced = [];
    this.#cached = Uint8Array.from(this.#durable);
  }

  /** Power is lost, and exactly the sectors that `arrives` says have reached the disk; the argument counts them up. */
  losePowerExactly(arrives: (sector: number) => boolean): void {
    let sector = 0;
    for (const pieces of this.#unsynced) {
      this.#persist(pieces.filter(() => arrives(sector++)));
    }
    this.#unsynced = [];
    this.#cached = Uint8Array.from(this.#durable);
  }

  get unsyncedSectors(): number {
    return this.#unsynced.reduce((sum, pieces) => sum + pieces.length, 0);
  }

  flip(offset: number, bit: number): void {
    for (const content of [this.#cached, this.#durable]) {
      if (offset < content.length) content[offset] = (content[offset] as number) ^ (1 << bit);
    }
  }

  clone(): SimulatedFile {
    const copy = new SimulatedFile();
    copy.#cached = Uint8Array.from(this.#cached);
    copy.#durable = Uint8Array.from(this.#durable);
    copy.#unsynced = [...this.#unsynced];
    return copy;
  }

  #persist(pieces: readonly Piece[]): void {
    const last = pieces.at(-1);
    if (last === undefined) return;
    this.#durable = grown(this.#durable, last.offset + last.bytes.length);
    for (const { bytes, offset } of pieces) this.#durable.set(bytes, offset);
  }
}

/** The content, with zeros behind it if it was shorter than `size`. */
function grown(content: Uint8Array, size: number): Uint8Array {
  if (size <= content.length) return content;
  const target = new Uint8Array(size);
  target.set(content);
  return target;
}
