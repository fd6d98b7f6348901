// SPDX-License-Identifier: Apache-2.0

/**
 * A state that only a defect can lead to, here or in the storage; the node must not go on. Acting on it could break a
 * promise that was given to others, so the host ends the process.
 */
export class RaftPanic extends Error {
  override readonly name: string = "RaftPanic";
}
