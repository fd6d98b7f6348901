// SPDX-License-Identifier: Apache-2.0
import { checkEpoch, type EpochBits } from "./epoch-domain.ts";
import { FenceValueError } from "./fencing-errors.ts";

/**
 * How an epoch is cut into a counter (above) and the slot of the node that minted it (below). Epochs are
 * ordered by counter first, and two nodes with different slots can never mint the same epoch.
 */
export interface BallotLayout {
  readonly bits: EpochBits;
  /** Width of the slot; the counter has the rest. */
  readonly slotBits: number;
}

/** 48 bits of counter, 65,536 nodes. */
export const BALLOT_64: BallotLayout = Object.freeze({ bits: 64, slotBits: 16 });
/** A round of 64 bits and a process nonce of 64 bits, as the Redis driver has it. */
export const BALLOT_128: BallotLayout = Object.freeze({ bits: 128, slotBits: 64 });

export interface Ballot {
  readonly counter: bigint;
  /** Unique among all nodes that may ever campaign, for as long as the group exists. */
  readonly slot: bigint;
}

/** @throws FenceValueError `ballot_out_of_range` when a part does not fit the layout. */
export function ballotToEpoch({ counter, slot }: Ballot, layout: BallotLayout = BALLOT_64): bigint {
  const { bits, slotBits } = checkLayout(layout);
  checkPart("counter", counter, bits - slotBits);
  checkPart("slot", slot, slotBits);
  return (counter << BigInt(slotBits)) | slot;
}

/** @throws FenceValueError `epoch_out_of_range`. */
export function epochToBallot(epoch: bigint, layout: BallotLayout = BALLOT_64): Ballot {
  const { bits, slotBits } = checkLayout(layout);
  checkEpoch(epoch, bits);
  return { counter: epoch >> BigInt(slotBits), slot: BigInt.asUintN(slotBits, epoch) };
}

export interface EpochKnowledge {
  /** Every epoch heard of, from every node: of dead nodes, of deposed leaders, of refusals. */
  readonly known: Iterable<bigint>;
  /** What this node's own durable fence has accepted. */
  readonly fencerHighest: bigint;
  /** The last epoch that this node itself campaigned with. */
  readonly lastPersisted: bigint;
}

/**
 * The epoch for the next campaign of a node: its counter is one above every counter it has ever heard
 * of, its slot is the node's own. Promise it durably (`DurableEpochFencer.check`) before using it.
 * Source: `fencing-quorum-sessions.md` 3.7, F1 and F4.
 *
 * @throws FenceValueError `ballots_exhausted` at the end of the counter, `epoch_out_of_range`,
 * `ballot_out_of_range`.
 */
export function candidateEpoch(knowledge: EpochKnowledge, slot: bigint, layout: BallotLayout = BALLOT_64): bigint {
  let highest = 0n;
  for (const epoch of [...knowledge.known, knowledge.fencerHighest, knowledge.lastPersisted]) {
    const { counter } = epochToBallot(epoch, layout);
    if (counter > highest) highest = counter;
  }
  if (highest === widthMax(layout.bits - layout.slotBits)) {
    throw new FenceValueError(
      "ballots_exhausted",
      `the counter ${highest} is the last of ${layout.bits - layout.slotBits} bits; a forged or corrupt epoch was probably seen`,
    );
  }
  return ballotToEpoch({ counter: highest + 1n, slot }, layout);
}

function checkLayout(layout: BallotLayout): BallotLayout {
  const { bits, slotBits } = layout;
  if (Number.isInteger(slotBits) && slotBits >= 1 && slotBits < bits) return layout;
  throw new FenceValueError("ballot_out_of_range", `expected slotBits from 1 to ${bits - 1}, got ${slotBits}`);
}

function checkPart(what: string, value: bigint, bits: number): void {
  if (typeof value === "bigint" && value >= 0n && value <= widthMax(bits)) return;
  throw new FenceValueError("ballot_out_of_range", `expected a ${what} from 0 to 2^${bits}-1, got ${String(value)}`);
}

function widthMax(bits: number): bigint {
  return (1n << BigInt(bits)) - 1n;
}
