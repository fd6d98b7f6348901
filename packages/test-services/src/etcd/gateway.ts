// SPDX-License-Identifier: Apache-2.0

/** A member as the cluster lists it. Ids are decimal strings, as the gateway writes 64-bit numbers. */
export interface ListedMember {
  readonly ID: string;
  readonly name?: string;
  readonly peerURLs: readonly string[];
}

/**
 * One call of the JSON gateway, which is enough to set tests up.
 *
 * @throws Error with etcd's own message
 */
export async function callEtcd(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok)
    throw new Error(`etcd answered ${response.status} to ${path}: ${String(answer["message"] ?? answer["error"])}`);
  return answer;
}

/** Whether a member answers and has a leader. */
export async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    const { health } = (await response.json()) as { health?: string };
    return health === "true";
  } catch {
    return false;
  }
}

export async function listMembers(url: string): Promise<readonly ListedMember[]> {
  const { members } = await callEtcd(url, "/v3/cluster/member/list", {});
  return (members ?? []) as ListedMember[];
}
