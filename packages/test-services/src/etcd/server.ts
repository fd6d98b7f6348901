// SPDX-License-Identifier: Apache-2.0
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { externalServer } from "../external-server.ts";
import { freePorts, PORT_TAKEN } from "../free-port.ts";
import { type LaunchOptions, ManagedServer } from "../managed-server.ts";
import { OwnedDirectory } from "../owned-directory.ts";
import { type ProcessSpec, ServerFailedToStart } from "../process/server-process.ts";
import { type ResolverContext, systemContext } from "../resolver-context.ts";
import { NotOwned, type Server } from "../server.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";
import { waitUntil } from "../wait-until.ts";
import { callEtcd, isHealthy, listMembers } from "./gateway.ts";
import { type EtcdBinary, locateEtcd } from "./locate.ts";
import { locateEtcdTools } from "./tools.ts";

/** A member of an etcd cluster. Its restart does not wait for a quorum; {@link EtcdServer.waitHealthy} does. */
export interface EtcdServer extends Server {
  readonly name: string;
  /** Resolves when the member answers and has a leader. */
  waitHealthy(timeoutMs?: number): Promise<void>;
  /**
   * Kills it, deletes its data and starts it again. A single member begins a new, empty cluster; in a larger one
   * the healthy rest replaces it by a new member of the same name and addresses, as an operator would.
   */
  wipe(): Promise<void>;
  /** Saves a snapshot of the cluster into a file, with etcdctl. */
  saveSnapshot(file: string): Promise<void>;
  /**
   * Kills a single member, puts a snapshot in the place of its data, and starts it again. The cluster keeps its id, unless
   * it gets another token.
   */
  restoreSnapshot(file: string, token?: string): Promise<void>;
}

export interface EtcdOptions extends LaunchOptions {
  /** More flags for a member, which override the others. */
  readonly flags?: (url: string) => readonly string[];
}

const START_ATTEMPTS = 5;

/**
 * Starts an etcd cluster of its own, or takes the first of TEST_ETCD_URLS. All members are healthy at the end.
 *
 * @param count members, 1 or 3
 * @throws ServiceUnavailable when there is none, with everything that was tried
 */
export async function startEtcd(
  count: 1 | 3 = 1,
  options: EtcdOptions = {},
  context: ResolverContext = systemContext(),
): Promise<readonly EtcdServer[]> {
  const located = await locateEtcd(context);
  if (located.kind === "url") return await externalEtcd(located.urls, count, located.via);
  for (let attempt = 1; ; attempt += 1) {
    const members = await makeMembers(located, count, options, context);
    try {
      await Promise.all(members.map((member) => member.start()));
      await Promise.all(members.map((member) => member.waitHealthy()));
      return members;
    } catch (error) {
      await Promise.all(members.map((member) => member.stop()));
      const isTaken = error instanceof ServerFailedToStart && PORT_TAKEN.test(error.output);
      if (!isTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function makeMembers(
  binary: EtcdBinary,
  count: number,
  options: EtcdOptions,
  context: ResolverContext,
): Promise<OwnEtcd[]> {
  const ports = await freePorts(2 * count);
  const members = Array.from({ length: count }, (_, index) => ({
    name: `n${index}`,
    port: ports[2 * index] ?? 0,
    peerUrl: `http://127.0.0.1:${ports[2 * index + 1]}`,
  }));
  return members.map((member) => new OwnEtcd(member, members, binary, options, context));
}

async function externalEtcd(urls: readonly string[], count: number, via: string): Promise<EtcdServer[]> {
  if (urls.length < count) {
    throw new ServiceUnavailable("etcd", [`${via} names ${urls.length} of ${count} members`], "add more, or unset it");
  }
  const used = urls.slice(0, count);
  const health = await Promise.all(used.map(isHealthy));
  const ill = used.filter((_, index) => health[index] !== true);
  if (ill.length > 0) {
    throw new ServiceUnavailable(
      "etcd",
      ill.map((url) => `${via}: ${new URL(url).host} is not healthy`),
      "start it, or unset it",
    );
  }
  return used.map((url, index) => ({
    ...externalServer(url, via, 2379),
    name: `external-${index}`,
    waitHealthy: (timeoutMs?: number) => waitHealthy(url, timeoutMs),
    wipe: () => Promise.reject(new NotOwned("wipe", via)),
    saveSnapshot: () => Promise.reject(new NotOwned("save", via)),
    restoreSnapshot: () => Promise.reject(new NotOwned("restore", via)),
  }));
}

async function waitHealthy(url: string, timeoutMs = 20_000): Promise<void> {
  await waitUntil(`${url} to be healthy`, () => isHealthy(url), { timeoutMs, everyMs: 20 });
}

interface MemberAddress {
  readonly name: string;
  readonly port: number;
  readonly peerUrl: string;
}

class OwnEtcd extends ManagedServer implements EtcdServer {
  readonly name: string;
  readonly url: string;
  protected readonly shutdownSignal = "SIGTERM";
  readonly #binary: EtcdBinary;
  readonly #options: EtcdOptions;
  readonly #context: ResolverContext;
  readonly #directory = new OwnedDirectory();
  readonly #self: MemberAddress;
  readonly #members: readonly MemberAddress[];
  #joins: "new" | "existing" = "new";

  constructor(
    self: MemberAddress,
    members: readonly MemberAddress[],
    binary: EtcdBinary,
    options: EtcdOptions,
    context: ResolverContext,
  ) {
    super(self.port, binary.via);
    this.name = self.name;
    this.url = clientUrl(self);
    this.#self = self;
    this.#members = members;
    this.#binary = binary;
    this.#options = options;
    this.#context = context;
  }

  get #data(): string {
    return join(this.#directory.path, "data");
  }

  protected spec(): ProcessSpec {
    return {
      command: this.#binary.bin,
      args: [
        ...["--name", this.name, "--data-dir", this.#data],
        ...["--listen-client-urls", this.url, "--advertise-client-urls", this.url],
        ...["--listen-peer-urls", this.#self.peerUrl, "--initial-advertise-peer-urls", this.#self.peerUrl],
        ...["--initial-cluster", this.#members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",")],
        ...["--initial-cluster-state", this.#joins],
        ...["--heartbeat-interval", "50", "--election-timeout", "300", "--logger", "zap", "--log-level", "warn"],
        ...(this.#options.flags?.(this.url) ?? []),
      ],
      log: this.output,
      // Older releases refuse other architectures than x64 without being told.
      env: this.#context.arch === "x64" ? {} : { ETCD_UNSUPPORTED_ARCH: this.#context.arch },
      lifeline: this.#options.lifeline,
    };
  }

  /** etcd opens its port early and answers on it once it knows its cluster, which may need the others. */
  override async start(): Promise<void> {
    const before = this.log().length;
    await super.start();
    await waitUntil(`${this.url} to be open`, async () => {
      if (!this.isRunning) {
        throw new ServerFailedToStart(this.#binary.bin, "ended at its start", this.log().slice(before));
      }
      return await isOpen(this.port);
    });
  }

  waitHealthy(timeoutMs?: number): Promise<void> {
    return waitHealthy(this.url, timeoutMs);
  }

  async wipe(): Promise<void> {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
    if (this.#members.length > 1) await this.#rejoin();
    await this.restart();
  }

  async saveSnapshot(file: string): Promise<void> {
    await (await locateEtcdTools(this.#context)).save(this.url, file);
  }

  async restoreSnapshot(file: string, token = "etcd-cluster"): Promise<void> {
    if (this.#members.length > 1) throw new TypeError("restore a cluster of one member");
    const tools = await locateEtcdTools(this.#context);
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
    await tools.restore(file, [
      ...["--name", this.name, "--data-dir", this.#data, "--initial-cluster-token", token],
      ...["--initial-cluster", `${this.name}=${this.#self.peerUrl}`],
      ...["--initial-advertise-peer-urls", this.#self.peerUrl],
    ]);
    await this.restart();
  }

  async #rejoin(): Promise<void> {
    const via = await this.#healthyNeighbour();
    const listed = (await listMembers(via)).find(({ peerURLs }) => peerURLs.includes(this.#self.peerUrl));
    if (listed !== undefined) await this.#changeMembers(via, "/v3/cluster/member/remove", { ID: listed.ID });
    await this.#changeMembers(via, "/v3/cluster/member/add", { peerURLs: [this.#self.peerUrl] });
    this.#joins = "existing";
  }

  /** The cluster refuses a change of its members until the last one, or the loss of one, has settled. */
  async #changeMembers(via: string, path: string, body: object): Promise<void> {
    await waitUntil("the cluster to accept a change of its members", async () => {
      try {
        await callEtcd(via, path, body);
        return true;
      } catch (error) {
        if (/unhealthy cluster|too many requests|leader changed/i.test((error as Error).message)) return false;
        throw error;
      }
    });
  }

  async #healthyNeighbour(): Promise<string> {
    const others = this.#members.filter((member) => member !== this.#self).map(clientUrl);
    return await waitUntil("another member to be healthy", async () => {
      const health = await Promise.all(others.map(isHealthy));
      return others.find((_, index) => health[index]);
    });
  }

  protected discard(): Promise<void> {
    return this.#directory[Symbol.asyncDispose]();
  }
}

const clientUrl = ({ port }: MemberAddress): string => `http://127.0.0.1:${port}`;

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
