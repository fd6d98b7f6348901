// SPDX-License-Identifier: Apache-2.0

/** Why an input was not taken. Nothing has changed when one of these is returned. */
export type StepErrorCode = "proposal_dropped" | "step_local_message" | "step_peer_not_found";

/** An expected refusal, returned as a value and never thrown. */
export interface StepError {
  readonly code: StepErrorCode;
  readonly message: string;
}

/** No leader, no room, a transfer under way, or forwarding is off: the proposal is not in the log and will not be. */
export const ErrProposalDropped: StepError = Object.freeze({
  code: "proposal_dropped",
  message: "raft proposal dropped",
});

/** A message that only the node itself may make came from outside. */
export const ErrStepLocalMsg: StepError = Object.freeze({
  code: "step_local_message",
  message: "raft: cannot step raft local message",
});

/** An answer from a node that is not in the configuration. */
export const ErrStepPeerNotFound: StepError = Object.freeze({
  code: "step_peer_not_found",
  message: "raft: cannot step as peer not found",
});
