// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";

export const membershipClauses: ClausesOf<"membership"> = {
  "membership.members": clause({
    sentence: "with the capability the members can be listed, their ids are unique, and the leader is one of them",
    needs: [],
    inapplicable: ({ capabilities }) => (capabilities.membership ? undefined : "the driver has no membership"),
    body: async (trial) => {
      await trial.openAll();
      const { driver } = await trial.reign();
      const membership = driver.membership ?? assert.fail("there is no membership property");
      const ids = (await membership.members()).map(({ id }) => id);
      assert.ok(ids.length > 0, "a cluster with a leader has members");
      assert.equal(new Set(ids).size, ids.length, "two members share an id");
      const leader = await membership.leader();
      assert.ok(leader !== undefined && ids.includes(leader), "the leader is none of the members");
    },
  }),
  "membership.absent": clause({
    sentence: "without the capability there is no membership property",
    needs: [],
    inapplicable: ({ capabilities }) => (capabilities.membership ? "the driver has membership" : undefined),
    body: async (trial) => {
      const driver = await trial.open(0);
      assert.equal(driver.membership, undefined);
    },
  }),
};
