// SPDX-License-Identifier: Apache-2.0
/**
 * One driver made of N: each member keeps a history and elects a leader on its own, and the whole goes on as long as W
 * of them do, W being a majority.
 *
 * **What a reign is.** A node stands for election of the whole while it leads W members, each in an epoch of that
 * member. It reads the *ballot* of W of them, a counter that only rises, mints a larger one, and writes it back to the
 * same W. Each write is refused by its member unless the node still leads it in the epoch of the read. The ballot is
 * the epoch of the whole; the member epochs under which it was written are the *binding*, and the reign writes under
 * no others. A member that it comes to lead later is bound only if it shows no newer ballot then.
 *
 * **Why one per epoch, and why epochs rise.** Two elected ballots were written to one common member j, under different
 * epochs of j. The later of these was installed after the earlier write, or that write would have been refused, and
 * the read of its holder came after it was installed: it saw the other ballot, and minted a larger one.
 *
 * **Why an older reign is fenced.** Let b < b' be elected, and let a write of b be acknowledged by W members. One of
 * them, j, took the ballot b'. Had b bound j in a newer epoch of j than b' did, it would have found b' there, and not
 * bound it. So its epoch of j is older; its write came before that of b' was installed, and the candidacy of b' read
 * the high-water of j after that. Whoever serves under b' begins above all that was acknowledged under b.
 *
 * **What a write resolves to** is the W-th largest acknowledgement, never the largest. It resolves to nobody once the
 * reign is over, even if W members took it: a next reign of the same node may have read before it landed.
 *
 * **Freshness.** The tenure holds while W bound members' tenures hold. A newer reign holds W as well, and of the member
 * that both hold, only one tenure can be valid.
 *
 * **A member that lost its data** has no vote until a leader that holds W others has filled it, and a new history needs
 * all N members: see docs/decisions/0004-quorum-members-that-forget.md, where the arguments above are taken up again.
 *
 * The ballots stand in the dense sequences of the members (keys `tsoracle.quorum.*`), so each must have them. No
 * function of the members' own epochs would do: see docs/decisions/0002-quorum-driver.md.
 *
 * @module
 */

// For those who make one driver of several.

export { quorumCapabilities } from "./driver/capabilities.ts";
export type { QuorumDriverOptions, QuorumMember } from "./driver/options.ts";
export { quorumDriver } from "./driver/quorum-driver.ts";
