// SPDX-License-Identifier: Apache-2.0
import { WindowGrant } from "@tsoracle/core";
import { epochFromHiLo } from "./epoch-wire.ts";
import type { GetTsResponse } from "./gen/tsoracle/v1/tso.ts";
import type { GetTsFields } from "./get-ts-codec.ts";
import { WireError } from "./wire-error.ts";

/** A grant as the generated message. Total: a grant always fits. */
export function grantToResponse(grant: WindowGrant): GetTsResponse {
  const { physicalMs, logicalStart, count, epoch } = grant;
  return {
    physicalMs: BigInt(physicalMs),
    logicalStart,
    count,
    epochHi: epoch >> 64n,
    epochLo: BigInt.asUintN(64, epoch),
  };
}

/** The generated message in the shape of the hand-written codec. */
export function fieldsOfResponse(response: GetTsResponse): GetTsFields {
  const { physicalMs, logicalStart, count, epochHi, epochLo } = response;
  return { physicalMs: Number(physicalMs), logicalStart, count, epoch: epochFromHiLo(epochHi, epochLo) };
}

/**
 * Checks an answer against its request: exactly the requested count, and every timestamp packs
 * (`tsoracle-behaviour.md` 4.2). A grant is never partial and never more than was asked for.
 *
 * @throws WireError `invalid_response`.
 */
export function grantFromResponse(fields: GetTsFields, requested: number): WindowGrant {
  if (fields.count !== requested) {
    throw new WireError("invalid_response", `expected ${requested} timestamps, got ${fields.count}`);
  }
  try {
    return new WindowGrant(fields.physicalMs, fields.logicalStart, fields.count, fields.epoch);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new WireError("invalid_response", `the timestamps do not pack: ${message}`, { cause: error });
  }
}
