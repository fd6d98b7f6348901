// SPDX-License-Identifier: Apache-2.0
import { FailoverMonitor, type Machine } from "./failover-monitor.ts";

/** Plays a path on a fresh machine. */
export function replay(make: () => Machine, path: readonly string[]): FailoverMonitor {
  const monitor = new FailoverMonitor(make());
  for (const label of path) monitor.play(label);
  return monitor;
}

/** Tries every path of up to `depth` events; answers how many there were and what was seen. */
export function everyPath(make: () => Machine, depth: number): { readonly paths: number; readonly seen: Set<string> } {
  const seen = new Set<string>();
  let paths = 0;
  const visit = (path: readonly string[]): void => {
    const monitor = replay(make, path);
    paths += 1;
    for (const label of monitor.seen) seen.add(label);
    if (monitor.stopped !== undefined) {
      for (const label of ["leader_next", "shutdown", "late_done", "late_refusal"]) monitor.play(label);
      return;
    }
    if (path.length === depth) return;
    for (const label of monitor.choices()) visit([...path, label]);
  };
  visit([]);
  return { paths, seen };
}

/** Follows paths of any length, but goes on only from situations that are new. */
export function everySituation(make: () => Machine): { readonly situations: number; readonly seen: Set<string> } {
  const seen = new Set<string>();
  const known = new Set<string>();
  let front: (readonly string[])[] = [[]];
  while (front.length > 0) {
    const next: (readonly string[])[] = [];
    for (const path of front) {
      for (const label of replay(make, path).choices()) {
        const longer = [...path, label];
        const monitor = replay(make, longer);
        for (const what of monitor.seen) seen.add(what);
        if (known.has(monitor.key())) continue;
        known.add(monitor.key());
        if (monitor.stopped === undefined) next.push(longer);
      }
    }
    front = next;
  }
  return { situations: known.size, seen };
}
