// SPDX-License-Identifier: Apache-2.0
// etcd by its JSON gateway: what operators do behind the driver's back, on a path of its own.

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64");

/** One call of the gateway. @throws Error with etcd's own message */
export async function callEtcd(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.ok) return answer;
  throw new Error(`etcd answered ${response.status} to ${path}: ${String(answer["message"] ?? answer["error"])}`);
}

export async function putKey(url: string, key: Uint8Array, value: Uint8Array | string): Promise<void> {
  await callEtcd(url, "/v3/kv/put", { key: base64(key), value: base64(value) });
}

export async function deleteKey(url: string, key: Uint8Array): Promise<void> {
  await callEtcd(url, "/v3/kv/deleterange", { key: base64(key) });
}

export interface GatewayKey {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly lease: bigint;
}

/** The keys from `key` up to `rangeEnd`, or the one key. */
export async function rangeOf(url: string, key: Uint8Array, rangeEnd?: Uint8Array): Promise<readonly GatewayKey[]> {
  const end = rangeEnd === undefined ? {} : { range_end: base64(rangeEnd) };
  const { kvs } = await callEtcd(url, "/v3/kv/range", { key: base64(key), ...end });
  return ((kvs ?? []) as Record<string, string>[]).map((kv) => ({
    key: Buffer.from(kv["key"] ?? "", "base64").toString(),
    value: Buffer.from(kv["value"] ?? "", "base64"),
    createRevision: BigInt(kv["create_revision"] ?? 0),
    modRevision: BigInt(kv["mod_revision"] ?? 0),
    lease: BigInt(kv["lease"] ?? 0),
  }));
}
