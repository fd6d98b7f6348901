// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { check, conformance, type Subject } from "../src/index.ts";
import { memorySubject } from "./memory-subject.ts";

const memory = memorySubject();

describe("a subject", () => {
  it.each<readonly [string, object, RegExp]>([
    ["has a name", { name: " " }, /name that is not empty/],
    ["has 1, 3 or 5 nodes", { nodes: 2 }, /1, 3 or 5, got 2/],
    ["has one store or enough for a minority", { stores: 2 }, /stores to be 1, or a whole number from 3, got 2/],
    ["tests a cluster as one", { nodes: 1 }, /topology is cluster/],
    ["offers faults that exist", { faults: ["crush"] }, /unknown fault "crush"/],
    ["waives faults that exist", { waivers: { crush: "reason" } }, /unknown fault "crush"/],
    ["waives no fault that it offers", { waivers: { crash: "reason" } }, /both offered and waived/],
    ["gives a reason for a waiver", { faults: [], waivers: { crash: "  " } }, /waiver for "crash" gives no reason/],
    ["names gaps that exist", { gaps: { "advance.maximum": "reason" } }, /unknown clause "advance.maximum"/],
    ["gives a reason for a gap", { gaps: { "advance.max": "" } }, /gap for advance.max gives no reason/],
    ["has no gap where nothing runs", { gaps: { "leases.absent": "reason" } }, /cannot be confirmed/],
    ["has no gap that it cannot show", { faults: [], gaps: { "durable.crash": "reason" } }, /cannot be confirmed/],
  ])("%s", async (_fact, change, message) => {
    const subject = { ...memory, ...change } as Subject;
    await expect(check(subject)).rejects.toThrow(message);
    expect(() => conformance({ describe: () => {}, it: () => {} }, subject)).toThrow(message);
  });
});
