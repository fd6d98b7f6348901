// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LeaderState } from "@tsoracle/consensus";
import { peerEndpoint } from "@tsoracle/core";
import { freePorts, waitUntil } from "@tsoracle/test-services";
import {
  type FirstMember,
  formatRaftDirectory,
  openRaftDriver,
  type RaftDriver,
  type RaftDriverOptions,
} from "../../src/index.ts";

/** A cluster of real nodes in this process: real threads, disks and sockets. */
export class RaftNodes implements AsyncDisposable {
  readonly #root: string;
  readonly members: readonly FirstMember[];
  readonly drivers = new Map<number, RaftDriver>();
  readonly #options: Partial<RaftDriverOptions>;

  private constructor(root: string, members: readonly FirstMember[], options: Partial<RaftDriverOptions>) {
    this.#root = root;
    this.members = members;
    this.#options = options;
  }

  static async format(size: number, options: Partial<RaftDriverOptions> = {}): Promise<RaftNodes> {
    const root = await mkdtemp(join(tmpdir(), "tsoracle-raft-"));
    const ports = await freePorts(size);
    const members = ports.map((port, index) => ({
      id: index + 1,
      peerEndpoint: peerEndpoint(`127.0.0.1:${port}`),
      clientEndpoint: peerEndpoint(`127.0.0.1:${50_000 + index}`),
    }));
    const nodes = new RaftNodes(root, members, options);
    for (const { id } of members) {
      formatRaftDirectory({ directory: nodes.directory(id), clusterId: "test", nodeId: id, firstMembers: members });
    }
    return nodes;
  }

  directory(id: number): string {
    return join(this.#root, `node-${id}`);
  }

  async open(id: number, options: Partial<RaftDriverOptions> = {}): Promise<RaftDriver> {
    const driver = await openRaftDriver({ directory: this.directory(id), ...this.#options, ...options });
    this.drivers.set(id, driver);
    return driver;
  }

  async openAll(): Promise<void> {
    await Promise.all(this.members.map(({ id }) => this.open(id)));
  }

  async close(id: number): Promise<void> {
    const driver = this.drivers.get(id);
    this.drivers.delete(id);
    await driver?.[Symbol.asyncDispose]();
  }

  /** The node that leads, once one does. */
  async leader(): Promise<{
    readonly id: number;
    readonly driver: RaftDriver;
    readonly state: LeaderState & { role: "leader" };
  }> {
    let found: Awaited<ReturnType<RaftNodes["leader"]>> | undefined;
    await waitUntil("a leader", async () => {
      for (const [id, driver] of this.drivers) {
        const state = await stateOf(driver);
        if (state?.role === "leader") found = { id, driver, state };
      }
      return found !== undefined;
    });
    if (found === undefined) throw new Error("waitUntil came back without a leader");
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.drivers.keys()].map((id) => this.close(id)));
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** The present state of a driver. */
export async function stateOf(driver: RaftDriver): Promise<LeaderState | undefined> {
  const ended = new AbortController();
  for await (const state of driver.leadershipEvents({ signal: ended.signal })) {
    ended.abort();
    return state;
  }
  return undefined;
}
