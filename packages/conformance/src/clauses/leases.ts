// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ConsensusDriver, LeaseStore } from "@tsoracle/consensus";
import { type LeaseRecord, U64_MAX } from "@tsoracle/core";
import { type ClausesOf, clause } from "../clause.ts";
import { leaseRecord, plainLeases } from "../lease-samples.ts";
import { REFUSED, rejectsWith } from "../probes.ts";
import type { Subject } from "../subject.ts";
import { singleReign } from "./elections.ts";

export const leasesClauses: ClausesOf<"leases"> = {
  "leases.absent": clause({
    sentence: "without the capability there is no leases property",
    needs: [],
    inapplicable: ({ capabilities }) => (capabilities.leases ? "the driver has leases" : undefined),
    body: async (trial) => {
      const driver = await trial.open(0);
      assert.equal(driver.leases, undefined);
    },
  }),
  "leases.load": clause({
    sentence: "a load is in order of id, empty at first, and sees what resolved before it, from any node",
    needs: [],
    inapplicable: withoutLeases,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const { driver, epoch } = await trial.reign();
      const given = [leaseRecord(30n), leaseRecord(U64_MAX), leaseRecord(10n), leaseRecord(200n)];
      for (const live of [[], given]) {
        if (live.length > 0) await leasesOf(driver).replace(live, epoch);
        for (const [node, reader] of drivers.entries()) {
          const ids = (await leasesOf(reader).load()).map(({ leaseId }) => leaseId);
          assert.deepEqual(ids, live.length === 0 ? [] : [10n, 30n, 200n, U64_MAX], `node ${node}`);
        }
      }
    },
  }),
  "leases.replace": clause({
    sentence: "what was replaced is gone and what was given is there, field by field",
    needs: [],
    inapplicable: withoutLeases,
    body: async (trial) => {
      const leases = leasesOf(await trial.open(0));
      const { epoch } = await trial.reign();
      const superseded = { ...leaseRecord(2n), superseded: true, tsUpperBound: U64_MAX };
      const sets: readonly (readonly LeaseRecord[])[] = [[leaseRecord(1n), superseded], [leaseRecord(3n)], []];
      for (const live of sets) {
        await leases.replace(live, epoch);
        assert.deepEqual(plainLeases(await leases.load()), plainLeases(live));
      }
    },
  }),
  "leases.fenced": clause({
    sentence: "a superseded epoch is refused and replaces nothing",
    needs: ["elect"],
    inapplicable: (subject) => withoutLeases(subject) ?? singleReign(subject),
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      const live = [leaseRecord(1n)];
      await leasesOf(old.driver).replace(live, old.epoch);
      const next = await trial.reignOf((old.node + 1) % drivers.length, trial.faults.elect);
      await rejectsWith(leasesOf(old.driver).replace([], old.epoch), REFUSED);
      await rejectsWith(leasesOf(next.driver).replace([leaseRecord(9n)], old.epoch), REFUSED);
      assert.deepEqual(plainLeases(await leasesOf(next.driver).load()), plainLeases(live));
    },
  }),
  "leases.durable": clause({
    sentence: "a set that was accepted survives a crash",
    needs: ["crash"],
    inapplicable: withoutLeases,
    body: async (trial) => {
      await trial.openAll();
      for (const live of [[leaseRecord(1n), leaseRecord(2n)], [leaseRecord(2n)], []]) {
        const { node, driver, epoch } = await trial.reign();
        await leasesOf(driver).replace(live, epoch);
        await trial.faults.crash(node);
        const restarted = await trial.open(node);
        assert.deepEqual(plainLeases(await leasesOf(restarted).load()), plainLeases(live));
      }
    },
  }),
};

function withoutLeases({ capabilities }: Subject): string | undefined {
  return capabilities.leases ? undefined : "the driver has no leases";
}

function leasesOf(driver: ConsensusDriver): LeaseStore {
  return driver.leases ?? assert.fail("capabilities.leases is true, but there is no leases property");
}
