// SPDX-License-Identifier: Apache-2.0
import { type EpochBits, epochFromDecimal } from "./epoch-domain.ts";
import type { FenceVerdict } from "./fence-rule.ts";

/** The epoch header of a shipped record, read; a missing or garbled one is refused, never taken for 0. */
export type EpochHeader =
  | { readonly ok: true; readonly epoch: bigint }
  | { readonly ok: false; readonly answer: FenceHttpAnswer };

/** What the sink answers. Epochs are decimal strings, because JSON numbers round. */
export interface FenceHttpAnswer {
  readonly status: 202 | 400 | 409;
  readonly body: Readonly<Record<string, string>>;
}

/**
 * Reads the header that carries the epoch. Pass what the HTTP server gives for it: a header that came
 * twice counts as garbled.
 */
export function readEpochHeader(value: string | readonly string[] | undefined, bits: EpochBits = 64): EpochHeader {
  if (value === undefined) return rejected("epoch_missing", "the record carries no epoch");
  if (typeof value !== "string") return rejected("epoch_malformed", "the record carries several epochs");
  try {
    return { ok: true, epoch: epochFromDecimal(value, bits) };
  } catch (error) {
    return rejected("epoch_malformed", error instanceof Error ? error.message : String(error));
  }
}

/**
 * The answer to a shipped record: 202 when the fence let it through, 409 with the epoch offered and the
 * highest seen when not. Source: `fencing-quorum-sessions.md` 3.6.
 */
export function fenceHttpAnswer(offered: bigint, verdict: FenceVerdict): FenceHttpAnswer {
  if (verdict.ok) return { status: 202, body: { epoch: offered.toString() } };
  switch (verdict.kind) {
    case "stale":
      return {
        status: 409,
        body: { error: "stale", epoch: offered.toString(), current: verdict.current.toString() },
      };
    case "split_brain":
      return {
        status: 409,
        body: {
          error: "split_brain",
          epoch: offered.toString(),
          current: offered.toString(),
          owner: verdict.currentOwner,
        },
      };
    default:
      return verdict satisfies never;
  }
}

function rejected(error: string, detail: string): EpochHeader {
  return { ok: false, answer: { status: 400, body: { error, detail } } };
}
