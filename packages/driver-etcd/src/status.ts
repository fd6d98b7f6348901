// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PeerEndpoint, PhysicalMs } from "@tsoracle/core";
import type { Freshness } from "./capabilities.ts";
import { asOperator } from "./operator.ts";
import type { EtcdOracleOptions } from "./options.ts";
import { advertisedBy, asEpoch, decodeHighWater, decodeReign, decodeSettings, readBe64 } from "./records.ts";
import { foundIn, notThere } from "./register.ts";
import { range } from "./transactions.ts";
import { SORT_ASCEND, SORT_BY_CREATE } from "./wire/messages.ts";

/** Who stands for election. The one with the smallest epoch leads, or is about to. */
export interface EtcdCandidate {
  readonly epoch: Epoch;
  readonly advertise: PeerEndpoint | undefined;
}

/** What the store knows of an oracle, for people. */
export interface EtcdOracleStatus {
  readonly prefix: string;
  readonly highWater: PhysicalMs;
  /** Of the last reign that began; zero before the first. */
  readonly epoch: Epoch;
  /** Whether that reign ended in good order. */
  readonly clean: boolean;
  readonly freshness: Freshness;
  readonly tenureMs: number;
  readonly drift: number;
  /** In order of epoch. */
  readonly candidates: readonly EtcdCandidate[];
  /** Of the oracle and of the store now, in hexadecimal. They differ after a restore into a new cluster. */
  readonly clusterId: { readonly ofOracle: string; readonly ofStore: string };
  /** The next epoch is above this. */
  readonly revision: bigint;
  readonly etcdVersion: string;
  readonly sequenceKeys: number;
}

/**
 * Reads the state of an oracle, all of one moment. Changes nothing.
 *
 * @throws ConsensusError `permanent` when there is no such oracle
 */
export async function etcdOracleStatus(options: EtcdOracleOptions): Promise<EtcdOracleStatus> {
  return await asOperator(options, false, async (client, keys) => {
    const everybody = {
      key: keys.candidates.from,
      rangeEnd: keys.candidates.to,
      sortTarget: SORT_BY_CREATE,
      sortOrder: SORT_ASCEND,
    };
    const single = [keys.highWater, keys.settings, keys.reign, keys.sequences].map(range);
    const response = await client.txn({ compare: [], success: [...single, { range: everybody }], failure: [] });
    const [register, settings, reign, sequences] = foundIn(response);
    if (register === undefined || settings === undefined) throw notThere(keys);
    const { freshness, terms, clusterId } = decodeSettings(settings.value);
    const last = reign === undefined ? { epoch: 0n, clean: false } : decodeReign(reign.value);
    return {
      prefix: keys.prefix,
      highWater: decodeHighWater(register.value).highWater,
      epoch: asEpoch(last.epoch),
      clean: last.clean,
      freshness,
      tenureMs: terms.tenureMs,
      drift: terms.drift,
      candidates: (response.responses[4]?.range?.kvs ?? []).map(({ createRevision, value }) => ({
        epoch: asEpoch(createRevision),
        advertise: advertisedBy(value),
      })),
      clusterId: { ofOracle: clusterId.toString(16), ofStore: response.header.clusterId.toString(16) },
      revision: response.header.revision,
      etcdVersion: client.version,
      sequenceKeys: sequences === undefined ? 0 : Number(readBe64(sequences.value, "the number of sequences")),
    };
  });
}
