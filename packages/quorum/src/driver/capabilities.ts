// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";

/**
 * What a driver made of drivers promises, from what each of its members does. Each answer is the weakest
 * that any member gives, because any of them may belong to the majority on which a promise rests:
 *
 * - durability: `asynchronous` if one member is, since the only witness of a write may forget it;
 *   `replicated` if there are three or more and all are clusters of their own, so that each stands
 *   elsewhere; otherwise `fsync`, or `replicated` for fewer members that all are. Members of
 *   topology `single` live on this machine: a majority of its disks survives, not its loss.
 * - topology: `single` if one member is, since no second server can open that one.
 * - realTimeOrder: `none` if one member has none; `exclusive` if all are; `confirm` if one needs it;
 *   else `lease`.
 * - sequences, leases, membership: none in this version. A counter that is advanced on W of N members
 *   cannot be fetched and added to in one step, and a set that is replaced on W of N can be replaced
 *   late by an older one: neither only rises, as a high-water does. Members are fixed at the start.
 */
export function quorumCapabilities(members: readonly DriverCapabilities[]): DriverCapabilities {
  return Object.freeze({
    durability: durabilityOf(members),
    topology: members.every(({ topology }) => topology === "cluster") ? "cluster" : "single",
    realTimeOrder: orderOf(members),
    sequences: false,
    leases: false,
    membership: false,
  });
}

function durabilityOf(members: readonly DriverCapabilities[]): DriverCapabilities["durability"] {
  if (members.some(({ durability }) => durability === "asynchronous")) return "asynchronous";
  const isApart = members.every(({ topology }) => topology === "cluster");
  if (isApart && members.length >= 3) return "replicated";
  return members.every(({ durability }) => durability === "replicated") ? "replicated" : "fsync";
}

function orderOf(members: readonly DriverCapabilities[]): DriverCapabilities["realTimeOrder"] {
  const orders = new Set(members.map(({ realTimeOrder }) => realTimeOrder));
  if (orders.has("none")) return "none";
  if (orders.has("confirm")) return "confirm";
  return orders.has("lease") ? "lease" : "exclusive";
}
