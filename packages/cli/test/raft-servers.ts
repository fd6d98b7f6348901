// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { join } from "node:path";
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { expect } from "vitest";
import { ADMIN, callAdmin } from "../src/admin/admin-client.ts";
import {
  type CliOptions,
  type CliProcess,
  type CliResult,
  runCli,
  startServer,
  temporaryDirectory,
} from "./cli-process.ts";

/** Where one node is reached. */
export interface Addresses {
  readonly peer: string;
  readonly client: string;
  readonly admin: string;
}

const LISTENING = 3;

/** Servers of one Raft cluster, each in a process and a directory of its own. */
export class RaftServers {
  readonly #root = temporaryDirectory();
  readonly #first: readonly number[];
  readonly #addresses = new Map<number, Addresses>();
  readonly processes = new Map<number, CliProcess>();

  readonly #clusterId: string;

  private constructor(first: readonly number[], clusterId: string) {
    this.#first = first;
    this.#clusterId = clusterId;
  }

  /** Formats `size` nodes and starts them all; resolves when one leads. */
  static async start(size: number, ...flags: readonly string[]): Promise<RaftServers> {
    const servers = await RaftServers.format(size);
    await Promise.all(servers.#first.map((id) => servers.serve(id, flags)));
    await servers.leader();
    return servers;
  }

  /** Formats the nodes and starts none. */
  static async format(size: number, clusterId = "test"): Promise<RaftServers> {
    const first = Array.from({ length: size }, (_, index) => index + 1);
    const servers = new RaftServers(first, clusterId);
    for (const id of first) await servers.addresses(id);
    for (const result of await Promise.all(first.map((id) => servers.format(id)))) expect(result.code).toBe(0);
    return servers;
  }

  /** Ports of its own for each node. */
  async addresses(id: number): Promise<Addresses> {
    const known = this.#addresses.get(id);
    if (known !== undefined) return known;
    const taken = new Set([...this.#addresses.values()].flatMap((one) => Object.values(one)));
    for (;;) {
      const ports = (await freePorts(LISTENING)).map((port) => `127.0.0.1:${port}`);
      const [peer = "", client = "", admin = ""] = ports;
      if (ports.some((address) => taken.has(address))) continue;
      this.#addresses.set(id, { peer, client, admin });
      return { peer, client, admin };
    }
  }

  of(id: number): Addresses {
    const addresses = this.#addresses.get(id);
    if (addresses === undefined) throw new Error(`node ${id} has no addresses`);
    return addresses;
  }

  directory(id: number): string {
    return join(this.#root, `node-${id}`);
  }

  format(id: number): Promise<CliResult> {
    const members = this.#first.map((one) => `${one}=${Object.values(this.of(one)).join("/")}`).join(",");
    const flags = ["--raft-dir", this.directory(id), "--cluster-id", this.#clusterId, "--id", String(id)];
    return runCli(["raft", "format", ...flags, "--members", members]);
  }

  /** The arguments of `tsoracle serve` for a node. */
  flags(id: number): readonly string[] {
    const { client, admin } = this.of(id);
    const own = ["--id", String(id), "--raft-dir", this.directory(id)];
    return ["raft", ...own, "--listen", client, "--admin-listen", admin, "--log", "warn"];
  }

  async serve(id: number, flags: readonly string[] = [], options: CliOptions = {}): Promise<CliProcess> {
    await this.addresses(id);
    const { process } = await startServer([...this.flags(id), ...flags], options);
    this.processes.set(id, process);
    return process;
  }

  process(id: number): CliProcess {
    const process = this.processes.get(id);
    if (process === undefined) throw new Error(`node ${id} was not started`);
    return process;
  }

  /** Ends a node with -9, as often as a directory is to be looked at in between. */
  async kill(id: number): Promise<void> {
    await this.process(id).kill("SIGKILL");
    this.processes.delete(id);
  }

  /** The disk of a node is lost. */
  wipe(id: number): void {
    rmSync(this.directory(id), { recursive: true });
  }

  clients(): Map<string, CliProcess> {
    return new Map([...this.processes].map(([id, process]) => [this.of(id).client, process]));
  }

  others(id: number): readonly number[] {
    return [...this.processes.keys()].filter((other) => other !== id);
  }

  /** Who leads by the account of one of these nodes, once they know. */
  leader(ids: readonly number[] = [...this.processes.keys()]): Promise<number> {
    return waitUntil("a leader", async () => {
      for (const id of ids) {
        const view = await callAdmin(this.of(id).admin, undefined, ADMIN.listMembers, {}, 5_000).catch(() => undefined);
        if (view?.hasLeader && ids.includes(Number(view.leader))) return Number(view.leader);
      }
      return undefined;
    });
  }
}
