// SPDX-License-Identifier: Apache-2.0
import type { EtcdClient } from "./client/etcd-client.ts";
import { EtcdFailure } from "./failure.ts";
import { waitedFor } from "./fast-forward.ts";
import type { OracleKeys } from "./keys.ts";
import { asOperator, checkFloor } from "./operator.ts";
import { checkSettings, type EtcdOracleOptions, type EtcdOracleSettings } from "./options.ts";
import { decodeHighWater, decodeSettings, encodeReign, encodeSettings, type SettingsRecord } from "./records.ts";
import { foundIn } from "./register.ts";
import { put, t0Bootstrap } from "./transactions.ts";
import type { KeyValue } from "./wire/messages.ts";

export interface InitEtcdOracleOptions extends EtcdOracleOptions, EtcdOracleSettings {
  /** The oracle issues only above this. @defaultValue 0 */
  readonly seedPhysicalMs?: number | undefined;
}

export interface InitEtcdOracleResult {
  /** False where the oracle was there already, with the same settings. */
  readonly created: boolean;
  /** Of the cluster, in hexadecimal: what to give to servers as `clusterId`. */
  readonly clusterId: string;
}

/**
 * Makes an oracle (T0). Harmless to repeat: an oracle that exists is compared with what is asked for and never changed.
 *
 * @throws ConsensusError `permanent` when it exists with other settings or below the seed, `uncertain` or `transient`
 * when etcd gave no answer: then repeat it
 */
export async function initEtcdOracle(options: InitEtcdOracleOptions): Promise<InitEtcdOracleResult> {
  const { freshness, terms } = checkSettings(options);
  const seed = checkFloor("seedPhysicalMs", options.seedPhysicalMs ?? 0);
  return await asOperator(options, true, async (client, keys) => {
    const { clusterId, before } = await lookAt(client, keys);
    const settings: SettingsRecord = { freshness, terms, clusterId };
    // Where only the register was lost, whoever reigned under it may still believe in its tenure.
    const reign = before === undefined ? encodeReign({ epoch: 0n, clean: true, advertise: "" }) : waitedFor(before);
    const beside = [put(keys.settings, encodeSettings(settings)), put(keys.reign, reign)];
    const response = await client.txn(t0Bootstrap(keys, seed, beside));
    if (!response.succeeded) demandSame(foundIn(response), settings, seed, keys);
    return { created: response.succeeded, clusterId: clusterId.toString(16) };
  });
}

/** Which cluster this is, and the record of a reign that an oracle of this name had before. */
async function lookAt(
  client: EtcdClient,
  keys: OracleKeys,
): Promise<{ readonly clusterId: bigint; readonly before: KeyValue | undefined }> {
  const { header, kvs } = await client.range({ key: keys.reign });
  return { clusterId: header.clusterId, before: kvs[0] };
}

function demandSame(
  [register, stored]: ReturnType<typeof foundIn>,
  wanted: SettingsRecord,
  seed: number,
  keys: OracleKeys,
): void {
  if (register === undefined || stored === undefined) {
    throw EtcdFailure.permanent(
      `oracle ${keys.prefix} has a register and no settings: somebody deleted ${keys.prefix}oracle`,
    );
  }
  const has = decodeSettings(stored.value);
  const pairs = [
    ["freshness", has.freshness, wanted.freshness],
    ["tenure", `${has.terms.tenureMs} ms`, `${wanted.terms.tenureMs} ms`],
    ["drift", String(has.terms.drift), String(wanted.terms.drift)],
    ["cluster", has.clusterId.toString(16), wanted.clusterId.toString(16)],
  ] as const;
  for (const [name, there, asked] of pairs) {
    if (there === asked) continue;
    throw EtcdFailure.permanent(
      `oracle ${keys.prefix} exists with ${name} ${there}, and ${asked} is asked for; nothing was changed`,
    );
  }
  if (decodeHighWater(register.value).highWater >= seed) return;
  throw EtcdFailure.permanent(
    `oracle ${keys.prefix} exists below the seed ${seed}; nothing was changed: use fast-forward`,
  );
}
