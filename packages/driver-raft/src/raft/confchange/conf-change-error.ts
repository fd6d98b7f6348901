// SPDX-License-Identifier: Apache-2.0

/** A change of membership that is not allowed from the configuration in use; nothing was changed. */
export class ConfChangeError extends Error {
  override readonly name: string = "ConfChangeError";
}
