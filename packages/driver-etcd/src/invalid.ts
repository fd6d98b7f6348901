// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";

/** Bad input, refused where it enters and before anything is sent. */
export function invalid(message: string): ConsensusError {
  return new ConsensusError("permanent", message);
}
