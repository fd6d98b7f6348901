// SPDX-License-Identifier: Apache-2.0

/** The oldest release of each line that is accepted (`raft.md` 3.1). */
const OLDEST: Readonly<Record<number, number>> = { 4: 22, 5: 5 };
const NEWEST_LINE_WITH_MINIMUM = 5;

/** Why an etcd of this version is not used; undefined if it is. */
export function versionObjection(version: string): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null) return `it says that its version is ${JSON.stringify(version)}, expected such as 3.6.0`;
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number];
  if (major > 3 || (major === 3 && minor > NEWEST_LINE_WITH_MINIMUM)) return undefined;
  if (major === 3 && minor === 5 && patch <= 2) {
    return `etcd ${version} can lose acknowledged writes (3.5.0 to 3.5.2): upgrade it to 3.5.5 or later`;
  }
  const oldest = major === 3 ? OLDEST[minor] : undefined;
  if (oldest !== undefined && patch >= oldest) return undefined;
  return `etcd ${version} is too old: expected 3.4.22 or later, 3.5.5 or later, or 3.6`;
}
