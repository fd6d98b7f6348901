// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@tsoracle/test-services";
import { OracleServer, tsoracle } from "@tsoracle-example/failover";

/** Where a node is reached: by members, by clients, by operators. */
interface Addresses {
  readonly peer: string;
  readonly client: string;
  readonly admin: string;
}

/** Nodes of one cluster, each a process with a directory of its own. */
export class Cluster implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), "tsoracle-cluster-raft-"));
  readonly #nodes: readonly Addresses[];
  readonly #servers = new Map<number, OracleServer>();

  private constructor(nodes: readonly Addresses[]) {
    this.#nodes = nodes;
  }

  /** Addresses for so many nodes, whose ids are 1, 2, ... */
  static async plan(size: number): Promise<Cluster> {
    const ports = (await freePorts(3 * size)).map((port) => `127.0.0.1:${port}`);
    const nodes = Array.from({ length: size }, (_, index) => {
      const [peer = "", client = "", admin = ""] = ports.slice(3 * index);
      return { peer, client, admin };
    });
    return new Cluster(nodes);
  }

  at(id: number): Addresses {
    const addresses = this.#nodes[id - 1];
    if (addresses === undefined) throw new Error(`there is no node ${id}`);
    return addresses;
  }

  /** Prepares the directories of the first members, each with the same list of them. */
  async format(first: readonly number[]): Promise<void> {
    const members = first.map((id) => `${id}=${this.at(id).peer}/${this.at(id).client}/${this.at(id).admin}`).join(",");
    for (const id of first) await tsoracle(["raft", "format", ...this.#identity(id), "--members", members]);
  }

  /** Prepares the directory of a node that joins; returns its storage id. */
  async formatToJoin(id: number): Promise<string> {
    const text = await tsoracle(["raft", "format", ...this.#identity(id), "--join", "--json"]);
    return (JSON.parse(text) as { storageId: string }).storageId;
  }

  async start(id: number): Promise<void> {
    const { client, admin } = this.at(id);
    const peers = this.#nodes.map(({ peer }, index) => `${index + 1}=${peer}`).join(",");
    const own = ["--id", String(id), "--raft-dir", this.#directory(id), "--peer-listen", this.at(id).peer];
    const server = await OracleServer.start(client, ["raft", ...own, "--peers", peers, "--admin-listen", admin]);
    this.#servers.set(id, server);
  }

  server(id: number): OracleServer {
    const server = this.#servers.get(id);
    if (server === undefined) throw new Error(`node ${id} was not started`);
    return server;
  }

  /** A command for operators, given to one member. */
  admin(id: number, ...words: string[]): Promise<string> {
    return tsoracle(["admin", ...words, "--endpoint", this.at(id).admin]);
  }

  /** Who leads, as this member says. */
  async leader(id: number): Promise<number> {
    return Number((JSON.parse(await this.admin(id, "members", "--json")) as { leader: string }).leader);
  }

  /** Ends whatever still runs, and removes what it wrote. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.end("SIGKILL")));
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #directory(id: number): string {
    return join(this.#root, `node-${id}`);
  }

  #identity(id: number): string[] {
    return ["--raft-dir", this.#directory(id), "--cluster-id", "example", "--id", String(id)];
  }
}
