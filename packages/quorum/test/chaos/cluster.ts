// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FaultProxy, OwnedDirectory, type ProcessEnd, ServerLog, ServerProcess } from "@tsoracle/test-services";
import type { WriterKind } from "./node/writer-kind.ts";
import type { NodeIndex } from "./plan.ts";

const program = fileURLToPath(new URL("./node/node-process.ts", import.meta.url));
/** Where the loader is installed. */
const workspace = fileURLToPath(new URL("../../../../", import.meta.url));

const READY = /listening on (\d+)\n/;

/** One run of a node. A node that is started again is another one, with a port and connections of its own. */
export interface NodeRun {
  readonly process: ServerProcess;
  readonly address: string;
  readonly port: number;
  readonly agent: Agent;
}

async function startNode(directory: string, writer: WriterKind, peers: readonly string[]): Promise<NodeRun> {
  const log = new ServerLog();
  const started = await ServerProcess.start({
    command: process.execPath,
    args: ["--import", "tsx", "--conditions=tsoracle-source", program, directory, writer, ...peers],
    cwd: workspace,
    log,
    ready: READY,
  });
  const port = Number(READY.exec(log.toString())?.[1]);
  return { process: started, port, address: `http://127.0.0.1:${port}`, agent: new Agent({ keepAlive: true }) };
}

/**
 * A primary and two peers, each a process with files of its own. The primary reaches each peer through a proxy; the
 * client reaches every node directly.
 */
export class Cluster implements AsyncDisposable {
  /** In front of the peers, in their order. */
  readonly proxies: readonly [FaultProxy, FaultProxy];
  readonly #peers: readonly [NodeRun, NodeRun];
  readonly #startPrimary: () => Promise<NodeRun>;
  readonly #directory: OwnedDirectory;
  #primary: Promise<NodeRun>;
  #running: NodeRun;
  readonly #killed = new WeakSet<NodeRun>();

  private constructor(
    directory: OwnedDirectory,
    peers: readonly [NodeRun, NodeRun],
    proxies: readonly [FaultProxy, FaultProxy],
    startPrimary: () => Promise<NodeRun>,
    primary: NodeRun,
  ) {
    this.#directory = directory;
    this.#peers = peers;
    this.proxies = proxies;
    this.#startPrimary = startPrimary;
    this.#running = primary;
    this.#primary = Promise.resolve(primary);
  }

  /** Starts all three; what was started when one of them fails ends with this process at the latest. */
  static async start(writer: WriterKind): Promise<Cluster> {
    const directory = new OwnedDirectory();
    const pathOf = (node: NodeIndex): string => {
      const path = join(directory.path, `node-${node}`);
      mkdirSync(path);
      return path;
    };
    const peers = await Promise.all([startNode(pathOf(1), writer, []), startNode(pathOf(2), writer, [])]);
    const proxies = await Promise.all([proxyOf(peers[0]), proxyOf(peers[1])]);
    const addresses = proxies.map(({ host, port }) => `http://${host}:${port}`);
    const primaryPath = pathOf(0);
    const startPrimary = (): Promise<NodeRun> => startNode(primaryPath, writer, addresses);
    return new Cluster(directory, peers, proxies, startPrimary, await startPrimary());
  }

  /** The primary once it runs: at once, or when it has been started again. */
  primary(): Promise<NodeRun> {
    return this.#primary;
  }

  peer(node: 1 | 2): NodeRun {
    return this.#peers[node - 1 === 0 ? 0 : 1];
  }

  async node(node: NodeIndex): Promise<NodeRun> {
    return node === 0 ? await this.primary() : this.peer(node);
  }

  /** Whether a run of the primary has been killed, be it a moment ago. */
  isKilled(run: NodeRun): boolean {
    return this.#killed.has(run);
  }

  /** Kills the primary in this very turn and starts it again on the same files; resolves to how the old run ended. */
  async killPrimary(): Promise<ProcessEnd> {
    const dead = this.#running;
    this.#killed.add(dead);
    process.kill(dead.process.pid, "SIGKILL");
    const ended = dead.process.kill().then(() => dead.process.ended);
    this.#primary = ended.then(async () => {
      dead.agent.destroy();
      this.#running = await this.#startPrimary();
      return this.#running;
    });
    await this.#primary;
    return await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const primary = await this.#primary.catch(() => this.#running);
    for (const run of [primary, ...this.#peers]) {
      run.agent.destroy();
      await run.process.kill();
    }
    for (const proxy of this.proxies) await proxy.close();
    await this.#directory[Symbol.asyncDispose]();
  }
}

function proxyOf(run: NodeRun): Promise<FaultProxy> {
  return FaultProxy.open({ host: "127.0.0.1", port: run.port });
}
