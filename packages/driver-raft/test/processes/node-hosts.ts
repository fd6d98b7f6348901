// SPDX-License-Identifier: Apache-2.0
import type { RaftDriverOptions } from "../../src/index.ts";
import { HostProcess } from "./host-process.ts";
import { RemoteNode } from "./remote-node.ts";

/** Processes for nodes, started as they are needed. Most nodes are closed in peace; their processes serve the next ones. */
export class NodeHosts implements AsyncDisposable {
  readonly #idle: HostProcess[] = [];
  readonly #started = new Set<HostProcess>();

  async open(options: RaftDriverOptions): Promise<RemoteNode> {
    const host = this.#idle.pop() ?? this.#start();
    return await RemoteNode.open(host, options, () => this.#idle.push(host));
  }

  #start(): HostProcess {
    const host = new HostProcess();
    this.#started.add(host);
    return host;
  }

  /** kill -9 for all that still run. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#started].map((host) => host.kill()));
    this.#started.clear();
  }
}
