// SPDX-License-Identifier: Apache-2.0
// For those who make one driver of several.

export { quorumCapabilities } from "./driver/capabilities.ts";
export type { QuorumDriverOptions, QuorumMember } from "./driver/options.ts";
export { quorumDriver } from "./driver/quorum-driver.ts";
