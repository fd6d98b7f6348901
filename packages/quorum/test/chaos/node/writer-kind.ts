// SPDX-License-Identifier: Apache-2.0

/** Wrong writers, to show that a campaign notices them. */
export const CONTROLS = ["local_only", "cancels_stragglers"] as const;

/** Which writer the primary holds; `quorum` is ours. */
export type WriterKind = "quorum" | (typeof CONTROLS)[number];
