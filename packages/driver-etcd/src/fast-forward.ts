// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import type { EtcdClient } from "./client/etcd-client.ts";
import { EtcdFailure } from "./failure.ts";
import { invalid } from "./invalid.ts";
import type { OracleKeys } from "./keys.ts";
import { asOperator, checkFloor } from "./operator.ts";
import type { EtcdOracleOptions } from "./options.ts";
import {
  asEpoch,
  decodeHighWater,
  decodeReign,
  decodeSettings,
  encodeHighWater,
  encodeReign,
  encodeSettings,
} from "./records.ts";
import { foundIn, notThere } from "./register.ts";
import { nobodyStands, put, range, sameRegister, unmodified } from "./transactions.ts";
import type { KeyValue } from "./wire/messages.ts";

export interface EtcdFastForwardOptions extends EtcdOracleOptions {
  /** The oracle issues only above this. It must cover every timestamp that was ever issued, wherever it was seen. */
  readonly atLeastMs: number;
  /**
   * The largest epoch that was ever seen, in logs of the servers or in data. Needed after a restore that did not move the
   * revision of the store: an epoch is a revision, so the store is written until it is past this.
   */
  readonly aboveEpoch?: bigint | undefined;
}

export interface EtcdForwardResult {
  readonly highWater: PhysicalMs;
  /** The next epoch is above this. */
  readonly revision: Epoch;
}

/** So many revisions can be made up for by writing; a restore that lost more must say so to etcdutl. */
const MAX_BUMP = 1_000_000n;
const BUMPS_AT_ONCE = 100;

/**
 * Lets an oracle go on after its store lost writes: raises the high-water, never lowers it, and adopts the cluster that
 * it finds itself in. All servers must be stopped, paused ones too; while one stands for election nothing is changed.
 * The next leader waits the last one out. Sequences are not touched: what they lost, only the operator can know.
 *
 * @throws ConsensusError `permanent` when there is no such oracle or a server runs, `out_of_range`, `transient`,
 * `uncertain`: then repeat it
 */
export async function fastForwardEtcdOracle(options: EtcdFastForwardOptions): Promise<EtcdForwardResult> {
  const floor = checkFloor("atLeastMs", options.atLeastMs);
  const { aboveEpoch = 0n } = options;
  if (typeof aboveEpoch !== "bigint" || aboveEpoch < 0n || aboveEpoch >= 2n ** 63n) {
    throw invalid(`expected aboveEpoch as an epoch of this oracle, got ${String(aboveEpoch)}`);
  }
  return await asOperator(options, true, async (client, keys) => {
    await bump(client, keys, aboveEpoch);
    return await forward(client, keys, floor);
  });
}

async function forward(client: EtcdClient, keys: OracleKeys, floor: number): Promise<EtcdForwardResult> {
  const wanted = [keys.highWater, keys.settings, keys.reign];
  const seen = await client.txn({ compare: [], success: wanted.map(range), failure: [] });
  const [register, settings, reign] = foundIn(seen);
  if (register === undefined || settings === undefined) throw notThere(keys);
  const { highWater, epoch } = decodeHighWater(register.value);
  const raised = Math.max(highWater, floor) as PhysicalMs;
  const adopted = { ...decodeSettings(settings.value), clusterId: seen.header.clusterId };
  const response = await client.txn({
    compare: [
      nobodyStands(keys),
      sameRegister(keys, register.createRevision),
      unmodified(keys.highWater, register.modRevision),
      unmodified(keys.reign, reign?.modRevision ?? 0n),
    ],
    success: [
      put(keys.highWater, encodeHighWater(raised, epoch)),
      put(keys.settings, encodeSettings(adopted)),
      put(keys.reign, waitedFor(reign)),
    ],
    failure: [],
  });
  if (!response.succeeded) throw serversRun(keys);
  return { highWater: raised, revision: asEpoch(response.header.revision) };
}

/** What was lost may have been a reign that nobody released, so the next leader waits whatever the record says. */
export function waitedFor(reign: KeyValue | undefined): Uint8Array {
  const last = reign === undefined ? { epoch: 1n, advertise: "" } : decodeReign(reign.value);
  return encodeReign({ epoch: last.epoch === 0n ? 1n : last.epoch, clean: false, advertise: last.advertise });
}

/** Writes until the revision of the store is past the epoch. Each write moves it by one. */
async function bump(client: EtcdClient, keys: OracleKeys, aboveEpoch: bigint): Promise<void> {
  const { header } = await client.range({ key: keys.highWater });
  let { revision } = header;
  const missing = aboveEpoch - revision;
  if (missing > MAX_BUMP) {
    throw invalid(
      `the revision of the store is ${revision}, ${missing} below epoch ${aboveEpoch}: restore with ` +
        "'etcdutl snapshot restore --bump-revision ... --mark-compacted'",
    );
  }
  while (revision < aboveEpoch) {
    const count = Math.min(BUMPS_AT_ONCE, Number(aboveEpoch - revision));
    const once = { compare: [nobodyStands(keys)], success: [put(keys.scratch, new Uint8Array())], failure: [] };
    const written = await Promise.all(Array.from({ length: count }, () => client.txn(once)));
    if (written.some(({ succeeded }) => !succeeded)) throw serversRun(keys);
    for (const { header: after } of written) if (after.revision > revision) revision = after.revision;
  }
}

function serversRun(keys: OracleKeys): EtcdFailure {
  return EtcdFailure.permanent(
    `a server of oracle ${keys.prefix} stands for election, or has just done so; nothing was changed: stop all servers, ` +
      "wait until their candidacies have ended, and try again",
  );
}
